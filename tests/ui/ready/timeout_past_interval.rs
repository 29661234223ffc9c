use seaworthy::prelude::*;

#[ready(every = "1s", timeout = "2s")]
async fn sessions() {}

fn main() {}
