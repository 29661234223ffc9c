use seaworthy::prelude::*;

#[config(env)]
struct Config {
    greeting: String,
    #[config(env = "GREETING")]
    salutation: String,
}

fn main() {}
