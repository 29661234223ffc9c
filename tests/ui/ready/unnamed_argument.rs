use seaworthy::prelude::*;

#[ready("5s")]
async fn sessions() {}

fn main() {}
