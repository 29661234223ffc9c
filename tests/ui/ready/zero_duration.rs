use seaworthy::prelude::*;

#[ready(every = "0s")]
async fn sessions() {}

fn main() {}
