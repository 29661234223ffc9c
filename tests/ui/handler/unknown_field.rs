use seaworthy::prelude::*;

#[handler(fields(nmae))]
async fn hello(Path(name): Path<String>) -> String {
    name
}

fn main() {}
