use seaworthy::prelude::*;

#[ready(critical = "no")]
async fn sessions() {}

fn main() {}
