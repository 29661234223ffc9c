use seaworthy::prelude::*;

#[derive(Clone)]
struct Redis;

#[health]
async fn alive(State(_redis): State<Redis>) {}

fn main() {}
