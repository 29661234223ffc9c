use seaworthy::prelude::*;

#[config(file)]
struct Config {
    greeting: String,
}

fn main() {}
