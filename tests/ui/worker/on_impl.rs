use seaworthy::prelude::*;

struct Expire;

#[worker]
impl Expire {}

fn main() {}
