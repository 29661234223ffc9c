#![deny(warnings)]

seaworthy::audit!();

use seaworthy::prelude::*;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

#[worker(allow(SW015, reason = "there are at most two"))]
async fn allowed() {
    let (_orders, mut waiting) = mpsc::unbounded_channel::<String>();
    while waiting.recv().await.is_some() {}
}

fn allowed_elsewhere() {
    // seaworthy: allow(SW015) one is put in
    let (orders, _waiting) = mpsc::unbounded_channel();
    _ = orders.send(1);
}

/// Channels with a bound, those that hold one value, and those of signals.
#[worker]
async fn innocent() {
    let (orders, _waiting) = mpsc::channel(1);
    _ = orders.try_send(1);
    _ = std::sync::mpsc::sync_channel::<u8>(1);
    let (answer, answered) = std::sync::mpsc::channel();
    _ = answer.send(1);
    _ = answered.recv();
    _ = mpsc::unbounded_channel::<()>();
    _ = (oneshot::channel::<u8>(), watch::channel(0), broadcast::channel::<u8>(1));
}

#[cfg(test)]
mod tests {
    fn test() {
        _ = tokio::sync::mpsc::unbounded_channel::<u8>();
    }
}

fn main() {
    allowed_elsewhere();
    _ = (allowed(), innocent());
}
