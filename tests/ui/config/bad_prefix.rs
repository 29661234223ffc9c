use seaworthy::prelude::*;

#[config(env, prefix = "my-app_")]
struct Config {
    greeting: String,
}

fn main() {}
