use seaworthy::prelude::*;

#[config(env)]
struct Config {
    otel_endpoint: String,
}

fn main() {}
