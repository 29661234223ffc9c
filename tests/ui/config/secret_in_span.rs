use seaworthy::prelude::*;

#[handler(fields(database.url = url))]
async fn hello(State(url): State<Secret<Url>>) -> &'static str {
    "hello"
}

fn main() {}
