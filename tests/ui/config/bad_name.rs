use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(env = "greeting")]
    greeting: String,
}

fn main() {}
