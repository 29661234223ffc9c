use seaworthy::prelude::*;

#[handler(skip(name))]
async fn hello(Path(name): Path<String>) -> String {
    name
}

fn main() {}
