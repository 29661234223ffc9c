use seaworthy::prelude::*;

#[ready(evry = "5s")]
async fn sessions() {}

fn main() {}
