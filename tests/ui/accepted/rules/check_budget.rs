#![deny(warnings)]

use std::time::Duration;

use seaworthy::prelude::*;

const LONG: Duration = Duration::from_secs(60);

async fn ping() {}

#[ready(allow(SW028, reason = "the pause is cut on purpose"))]
async fn allowed() -> bool {
    tokio::time::sleep(Duration::from_secs(5)).await;
    true
}

/// Waits that are shorter than the check may take, and one that can't be read.
#[ready(timeout = "6s", every = "10s")]
async fn innocent() -> bool {
    tokio::time::sleep(Duration::from_millis(5)).await;
    let inside = tokio::time::timeout(Duration::from_secs(5), tokio::time::sleep(Duration::from_secs(60)));
    inside.await.is_ok() && tokio::time::timeout(LONG, ping()).await.is_ok()
}

#[cloud_service(ready(allowed, innocent))]
async fn service() -> Router {
    Router::new()
}

fn main() {
    _ = service;
}
