use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = "postgres://app:hunter2@localhost/app")]
    database_url: Url,
}

fn main() {}
