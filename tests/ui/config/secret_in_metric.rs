use seaworthy::{metrics, prelude::*};

#[handler]
async fn hello(State(peer): State<Secret<String>>) -> &'static str {
    metrics::counter!("calls_total", "to" => peer).increment(1);
    "hello"
}

fn main() {}
