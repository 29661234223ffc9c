use seaworthy::prelude::*;

#[config(env)]
struct Config {
    http_addr: String,
}

fn main() {}
