use std::time::Duration;

use seaworthy::prelude::*;
use tokio::time::timeout as within;

async fn ping() {}

#[ready(timeout = "2s")]
async fn mistake() -> bool {
    tokio::time::timeout(Duration::from_secs(5), ping()).await.is_ok()
}

#[ready]
async fn by_alias() -> bool {
    within(Duration::from_millis(1_000), ping()).await.is_ok()
}

#[health]
async fn inside_of_macro() -> bool {
    tokio::select! {
        () = ping() => true,
        () = tokio::time::sleep(Duration::from_secs(2)) => false,
    }
}

fn main() {}
