use seaworthy::prelude::*;

#[ready(every = 5)]
async fn sessions() {}

fn main() {}
