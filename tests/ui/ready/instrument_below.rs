use seaworthy::prelude::*;

#[ready]
#[tracing::instrument]
async fn sessions() {}

fn main() {}
