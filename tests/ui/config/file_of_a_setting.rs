use seaworthy::prelude::*;

#[config(env)]
struct Config {
    log_format_file: String,
}

fn main() {}
