use seaworthy::prelude::*;

#[config(env)]
fn config() {}

fn main() {}
