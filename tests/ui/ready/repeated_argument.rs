use seaworthy::prelude::*;

#[ready(every = "5s", every = "6s")]
async fn sessions() {}

fn main() {}
