use seaworthy::prelude::*;

#[ready]
async fn sessions() -> impl Send {}

fn main() {}
