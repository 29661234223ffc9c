use seaworthy::prelude::*;

enum Mode {
    Fast,
}

#[config(env)]
struct Config {
    mode: Mode,
}

fn main() {}
