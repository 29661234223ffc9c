use seaworthy::prelude::*;

#[config(env, prefx = "APP")]
struct Config {
    greeting: String,
}

fn main() {}
