use seaworthy::prelude::*;

#[health]
fn alive(_count: usize) {}

fn main() {}
