use seaworthy::prelude::*;

#[config(env)]
struct Config<T> {
    value: T,
}

fn main() {}
