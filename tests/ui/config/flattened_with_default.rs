use seaworthy::prelude::*;

#[config(env)]
struct Database {
    url: Url,
}

#[config(env)]
struct Config {
    #[config(flatten, default = "x")]
    database: Database,
}

fn main() {}
