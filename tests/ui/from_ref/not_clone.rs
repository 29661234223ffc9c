use seaworthy::prelude::*;

#[derive(FromRef)]
struct App {
    sessions: Redis,
}

struct Redis;

fn main() {}
