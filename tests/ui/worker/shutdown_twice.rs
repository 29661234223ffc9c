use seaworthy::prelude::*;

#[worker]
async fn expire(_one: Shutdown, _other: Shutdown) {}

fn main() {}
