use seaworthy::prelude::*;

#[derive(Clone, FromRef)]
struct App<T> {
    part: T,
}

fn main() {}
