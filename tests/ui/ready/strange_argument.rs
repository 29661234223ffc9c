use seaworthy::prelude::*;

#[ready(interval = "5s")]
async fn sessions() {}

fn main() {}
