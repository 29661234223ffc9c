use seaworthy::prelude::*;

#[config(env)]
struct Database {
    url: Url,
}

#[config(env)]
struct Config {
    #[config(flatten)]
    primary: Database,
    #[config(flatten)]
    replica: Database,
}

fn main() {}
