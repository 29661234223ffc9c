use seaworthy::{config::ByteSize, prelude::*};

#[config(env)]
struct Config {
    #[config(default = "2mb")]
    limit: ByteSize,
    #[config(default = -1)]
    other: Option<ByteSize>,
}

fn main() {}
