use seaworthy::prelude::*;

#[config(env)]
struct Config {
    password: Secret<String>,
    password_file: String,
}

fn main() {}
