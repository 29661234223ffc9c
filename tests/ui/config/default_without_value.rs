use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default)]
    greeting: String,
}

fn main() {}
