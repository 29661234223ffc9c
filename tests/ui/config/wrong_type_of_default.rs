use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = 5)]
    greeting: String,
}

fn main() {}
