use seaworthy::prelude::*;

#[ready]
struct Sessions;

fn main() {}
