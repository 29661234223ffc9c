use seaworthy::prelude::*;

#[ready]
async extern "C" fn sessions() {}

fn main() {}
