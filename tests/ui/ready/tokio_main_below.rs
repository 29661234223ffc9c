use seaworthy::prelude::*;

#[ready]
#[tokio::main]
async fn sessions() {}

fn main() {}
