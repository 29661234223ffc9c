use seaworthy::prelude::*;

#[config(env)]
enum Mode {
    #[config(default = "x")]
    Fast,
}

fn main() {}
