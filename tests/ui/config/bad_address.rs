use seaworthy::prelude::*;

use std::net::SocketAddr;

#[config(env)]
struct Config {
    #[config(default = "localhost")]
    upstream: SocketAddr,
}

fn main() {}
