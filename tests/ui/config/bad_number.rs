use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = "65536")]
    port: u16,
    #[config(default = -1)]
    limit: u32,
}

fn main() {}
