use std::num::{NonZero, NonZeroU32};

use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = 0)]
    workers: NonZeroU32,
    #[config(default = "0")]
    others: NonZero<u16>,
}

fn main() {}
