use seaworthy::prelude::*;

#[derive(Clone, FromRef)]
enum App {}

fn main() {}
