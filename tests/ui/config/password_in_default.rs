use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = "postgres://app:hunter2@localhost/app")]
    database_url: Url,
    #[config(default = "redis://:hunter2@localhost")]
    redis_url: Option<Url>,
}

fn main() {}
