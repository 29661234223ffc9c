use seaworthy::prelude::*;

#[ready]
async fn sessions(Path(_name): Path<String>) {}

fn main() {}
