use seaworthy::prelude::*;

#[worker]
async fn expire() -> bool {
    true
}

fn main() {}
