use seaworthy::prelude::*;

#[worker(backoff = "1s")]
async fn expire() {}

fn main() {}
