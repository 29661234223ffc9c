use seaworthy::prelude::*;

#[command]
async fn manifest() {}

fn main() {}
