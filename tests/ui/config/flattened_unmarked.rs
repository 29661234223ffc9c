use seaworthy::prelude::*;

struct Database {
    url: Url,
}

#[config(env)]
struct Config {
    #[config(flatten)]
    database: Database,
}

fn main() {}
