use seaworthy::prelude::*;

#[handler]
#[tracing::instrument]
async fn hello() {}

fn main() {}
