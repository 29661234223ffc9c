use seaworthy::prelude::*;

#[config(env)]
struct Cache {
    url: Url,
}

#[config(env, prefix = "APP")]
struct Config {
    cache_url: Url,
    #[config(flatten, env = "CACHE")]
    cache: Cache,
}

fn main() {}
