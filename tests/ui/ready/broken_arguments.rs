use seaworthy::prelude::*;

#[ready(every: "5s")]
async fn sessions() {}

fn main() {}
