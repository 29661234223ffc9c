use seaworthy::prelude::*;

use std::time::Duration;

#[config(env)]
struct Config {
    #[config(default = "5")]
    patience: Duration,
}

fn main() {}
