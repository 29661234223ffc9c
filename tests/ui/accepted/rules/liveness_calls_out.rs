#![deny(warnings)]

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use seaworthy::prelude::*;
use tokio::{net::TcpStream, sync::Semaphore};

static STEPS: AtomicU64 = AtomicU64::new(1);
static SLOTS: OnceLock<Semaphore> = OnceLock::new();

#[health(allow(SW024, reason = "a process of the same container"))]
async fn allowed() -> bool {
    TcpStream::connect(("::1", 9000)).await.is_ok()
}

/// Whether this process gets anywhere.
#[health]
async fn innocent() -> bool {
    let slots = SLOTS.get_or_init(|| Semaphore::new(1));
    slots.acquire().await.is_ok() && STEPS.load(Ordering::Relaxed) > 0
}

#[ready]
async fn reachable() -> bool {
    TcpStream::connect(("store", 5432)).await.is_ok()
}

fn main() {
    _ = (allowed, innocent, reachable);
}
