#![deny(warnings)]

use seaworthy::prelude::*;

/// A service that is told of its end by something else, and serves no longer after that.
#[cloud_service(lame_duck = "0s", drain = "22s", grace = "30s", request_timeout = "20s")]
async fn service() -> Router {
    Router::new()
}

fn main() {
    _ = service;
}
