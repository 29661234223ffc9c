use seaworthy::prelude::*;

#[config(env)]
struct Config;

fn main() {}
