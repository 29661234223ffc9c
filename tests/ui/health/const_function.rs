use seaworthy::prelude::*;

#[health]
const fn alive() {}

fn main() {}
