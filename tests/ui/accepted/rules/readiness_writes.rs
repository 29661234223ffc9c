#![deny(warnings)]

use std::collections::HashMap;

use seaworthy::{http_client::HttpClient, metrics, prelude::*};

async fn execute(_sql: &str) -> bool {
    true
}

#[ready(allow(SW025, reason = "the row is there, and stays one"))]
async fn allowed() -> bool {
    execute("UPDATE probes SET at = now()").await
}

/// What asks, what is counted, and what is only said.
#[ready]
async fn innocent(State(http): State<HttpClient>) -> Result<(), &'static str> {
    let mut seen = HashMap::new();
    seen.insert("store", execute("SELECT 1").await);
    metrics::gauge!("store_usable").set(1);
    http.get("/ready").send().await.map_err(|_| "update pending")?;
    Ok(())
}

fn main() {
    _ = (allowed, innocent);
}
