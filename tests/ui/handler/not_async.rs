use seaworthy::prelude::*;

#[handler]
fn hello() {}

fn main() {}
