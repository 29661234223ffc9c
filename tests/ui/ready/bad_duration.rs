use seaworthy::prelude::*;

#[ready(every = "5 parsecs")]
async fn sessions() {}

fn main() {}
