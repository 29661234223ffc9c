use seaworthy::prelude::*;

#[health]
enum Alive {}

fn main() {}
