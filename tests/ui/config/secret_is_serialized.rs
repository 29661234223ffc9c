use seaworthy::prelude::*;

#[config(env)]
#[derive(seaworthy::serde::Serialize)]
#[serde(crate = "seaworthy::serde")]
struct Config {
    database_url: Secret<Url>,
}

fn main() {}
