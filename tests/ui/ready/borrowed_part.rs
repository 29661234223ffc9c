use seaworthy::prelude::*;

#[derive(Clone)]
struct Redis;

#[ready]
async fn sessions(redis: &Redis) {
    drop(redis)
}

fn main() {}
