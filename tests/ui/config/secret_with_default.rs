use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = "hunter2")]
    password: Secret<String>,
}

fn main() {}
