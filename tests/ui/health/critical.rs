use seaworthy::prelude::*;

#[health(critical = false)]
fn alive() {}

fn main() {}
