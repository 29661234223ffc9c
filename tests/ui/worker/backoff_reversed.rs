use seaworthy::prelude::*;

#[worker(backoff = "1m..1s")]
async fn expire() {}

fn main() {}
