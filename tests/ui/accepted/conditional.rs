//! What is left out by `#[cfg]` leaves nothing behind.

#![deny(warnings)]

use seaworthy::prelude::*;

#[ready]
#[cfg(any())]
async fn absent(State(_missing): State<Missing>) {}

#[worker]
#[cfg(any())]
async fn absent_too(State(_missing): State<Missing>) {}

#[handler]
#[cfg(any())]
async fn absent_as_well(_missing: Missing) {}

#[cfg(any())]
#[cloud_service]
async fn main(_missing: Missing) -> Service<Missing> {}

#[cfg(not(any()))]
#[cloud_service]
async fn service() -> Router {
    Router::new()
}

fn main() {
    let _ = <service as seaworthy::CloudService>::parts();
}
