use seaworthy::prelude::*;

#[command]
async fn migrate() -> bool {
    true
}

fn main() {}
