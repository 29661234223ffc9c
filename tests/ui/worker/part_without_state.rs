use seaworthy::prelude::*;

#[derive(Clone)]
struct Redis;

#[worker]
async fn expire(redis: Redis, _shutdown: Shutdown) {
    drop(redis)
}

fn main() {}
