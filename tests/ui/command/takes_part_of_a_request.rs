use seaworthy::prelude::*;

#[command]
async fn migrate(Path(_table): Path<String>) {}

fn main() {}
