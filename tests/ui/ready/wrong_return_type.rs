use seaworthy::prelude::*;

#[ready]
async fn sessions() -> Vec<String> {
    Vec::new()
}

fn main() {}
