use seaworthy::prelude::*;

#[config(prefix = "", file)]
struct Config {
    #[config(default = "many", defalt = 1)]
    count: u8,
    #[config(default = "x")]
    password: Secret<String>,
    #[config(env = "COUNT", flatten = true)]
    number: u8,
    #[config(skip, env = "x")]
    log_format: String,
}

fn main() {}
