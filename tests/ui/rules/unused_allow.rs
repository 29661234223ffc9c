#![deny(warnings)]

seaworthy::audit!();

use seaworthy::prelude::*;

#[handler(allow(SW004, reason = "nothing is spawned"))]
async fn unused() {
    // seaworthy: allow(SW004) not here
    tokio::task::yield_now().await;
}

// seaworthy: allow(SW004) nothing is spawned
fn main() {
    _ = unused();
}
