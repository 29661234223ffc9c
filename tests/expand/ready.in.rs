use std::fmt::Error;

use seaworthy::prelude::*;

#[derive(Clone)]
struct Redis;

impl Redis {
    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Sessions can be read and written.
#[ready(every = "5s", timeout = "500ms")]
async fn sessions(State(redis): State<Redis>) -> Result<(), Error> {
    redis.ping().await
}

/// Recommendations are there.
///
/// Pages are shown without them.
#[ready(critical = false)]
pub async fn recommendations(State(redis): State<Redis>, State(replica): State<Redis>) -> bool {
    redis.ping().await.is_ok() && replica.ping().await.is_ok()
}

#[ready]
#[cfg(unix)]
async fn state() {}
