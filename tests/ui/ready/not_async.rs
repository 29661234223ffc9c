use seaworthy::prelude::*;

#[ready]
fn sessions() {}

fn main() {}
