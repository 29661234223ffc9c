use seaworthy::prelude::*;

struct Tables;

#[command]
impl Tables {
    async fn migrate() {}
}

fn main() {}
