use seaworthy::prelude::*;

#[worker(restart = true)]
async fn expire() {}

fn main() {}
