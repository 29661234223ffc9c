use seaworthy::prelude::*;

#[config]
struct Config {
    greeting: String,
}

fn main() {}
