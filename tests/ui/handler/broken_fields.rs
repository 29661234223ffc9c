use seaworthy::prelude::*;

#[handler(fields(user.id: name))]
async fn hello(Path(name): Path<String>) -> String {
    name
}

fn main() {}
