use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(defualt = "Hello")]
    greeting: String,
}

fn main() {}
