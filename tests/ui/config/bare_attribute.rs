use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config]
    greeting: String,
}

fn main() {}
