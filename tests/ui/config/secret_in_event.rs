use seaworthy::{prelude::*, tracing};

#[handler]
async fn hello(State(url): State<Secret<Url>>) -> &'static str {
    tracing::info!(%url, "connects");
    "hello"
}

fn main() {}
