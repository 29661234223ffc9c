use seaworthy::prelude::*;

#[handler(name = 3, fields(a, a), skip(b), level = "debug")]
#[tracing::instrument]
unsafe fn hello(a: u8, b: u8) {}

fn main() {}
