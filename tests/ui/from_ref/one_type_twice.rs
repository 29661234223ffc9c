use seaworthy::prelude::*;

#[derive(Clone, FromRef)]
struct App {
    sessions: Redis,
    queue: Redis,
}

#[derive(Clone)]
struct Redis;

fn main() {}
