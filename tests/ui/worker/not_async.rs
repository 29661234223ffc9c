use seaworthy::prelude::*;

#[worker]
fn expire() {}

fn main() {}
