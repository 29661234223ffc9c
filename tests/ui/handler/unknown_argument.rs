use seaworthy::prelude::*;

#[handler(feilds(name))]
async fn hello(Path(name): Path<String>) -> String {
    name
}

fn main() {}
