use seaworthy::prelude::*;

#[handler(fields(name, name = 1))]
async fn hello(Path(name): Path<String>) -> String {
    name
}

fn main() {}
