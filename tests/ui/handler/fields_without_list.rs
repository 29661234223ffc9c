use seaworthy::prelude::*;

#[handler(fields = "name")]
async fn hello(Path(name): Path<String>) -> String {
    name
}

fn main() {}
