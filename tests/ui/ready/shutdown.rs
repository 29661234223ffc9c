use seaworthy::prelude::*;

#[ready]
async fn sessions(_shutdown: Shutdown) {}

fn main() {}
