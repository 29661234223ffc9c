use seaworthy::prelude::*;

#[health]
fn alive() -> usize {
    1
}

fn main() {}
