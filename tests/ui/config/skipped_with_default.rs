use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(skip, default = "Hello")]
    greeting: String,
}

fn main() {}
