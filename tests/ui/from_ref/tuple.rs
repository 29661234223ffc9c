use seaworthy::prelude::*;

#[derive(Clone, FromRef)]
struct App(String);

fn main() {}
