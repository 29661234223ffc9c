use seaworthy::prelude::*;

#[handler(name = hello)]
async fn hello() {}

fn main() {}
