//! What speaks of a runtime and starts none; the rule can't be allowed.
#![deny(warnings)]

use seaworthy::prelude::*;

/// A handler that asks which runtime it is on.
#[handler]
async fn innocent() -> String {
    let runtime = tokio::runtime::Handle::current();
    let main = runtime.id();
    format!("{main}")
}

/// A thread that needs one of its own, and is given it by who starts it.
#[worker]
async fn computes() -> Result<(), tokio::task::JoinError> {
    let work = || tokio::runtime::Builder::new_current_thread().build();
    tokio::task::spawn_blocking(work).await.map(drop)
}

#[cloud_service(workers(computes))]
async fn service() -> Router {
    Router::new().route("/", get(innocent))
}

fn main() {
    _ = service;
}
