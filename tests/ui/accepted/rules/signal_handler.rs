#![deny(warnings)]

seaworthy::audit!();

use seaworthy::prelude::*;
use tokio::signal::unix::{SignalKind, signal};

#[worker(allow(SW010, reason = "it only writes down when"))]
async fn allowed() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

async fn allowed_elsewhere() -> std::io::Result<()> {
    // seaworthy: allow(SW010) it only writes down when
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

/// Another signal, and what ends when the drain begins.
#[worker]
async fn innocent(shutdown: Shutdown) -> std::io::Result<()> {
    let mut reload = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = reload.recv() => {}
        () = shutdown => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    async fn test() {
        _ = tokio::signal::ctrl_c().await;
    }
}

fn main() {
    _ = allowed_elsewhere();
    _ = allowed();
    _ = innocent;
}
