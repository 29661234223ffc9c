#![deny(warnings)]

use seaworthy::prelude::*;

#[handler(allow(SW002, reason = "its name is that of a dashboard"))]
#[tracing::instrument]
async fn allowed() {}

/// Where the runtime makes no span, this is the first.
#[ready]
#[tracing::instrument]
async fn sessions() {}

#[health]
#[tracing::instrument]
fn alive() {}

#[worker]
#[tracing::instrument]
async fn expire() {}

#[cloud_service(ready(sessions), health(alive), workers(expire))]
#[tracing::instrument]
async fn service() -> Router {
    Router::new().route("/", get(allowed))
}

fn main() {
    _ = service;
}
