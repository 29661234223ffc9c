use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = "Hello")]
    #[config(default = "Bye")]
    greeting: String,
}

fn main() {}
