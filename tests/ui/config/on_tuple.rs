use seaworthy::prelude::*;

#[config(env)]
struct Config(String);

fn main() {}
