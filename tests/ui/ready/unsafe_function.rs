use seaworthy::prelude::*;

#[ready]
async unsafe fn sessions() {}

fn main() {}
