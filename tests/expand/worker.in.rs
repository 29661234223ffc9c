use std::fmt::Error;

use seaworthy::prelude::*;

#[derive(Clone)]
struct Redis;

/// Removes sessions that have expired.
#[worker]
async fn expire(State(_redis): State<Redis>, shutdown: Shutdown) -> Result<(), Error> {
    shutdown.await;
    Ok(())
}

#[worker(restart = "never", backoff = "500ms..1m30s")]
async fn migrate() {}
