use seaworthy::prelude::*;

#[command]
fn migrate() {}

fn main() {}
