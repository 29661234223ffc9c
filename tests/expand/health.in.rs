use std::sync::atomic::{AtomicBool, Ordering};

use seaworthy::prelude::*;

static STUCK: AtomicBool = AtomicBool::new(false);

/// Work goes on.
#[health(every = "1s", timeout = "100ms")]
fn moving() -> bool {
    !STUCK.load(Ordering::Relaxed)
}

#[health]
pub async fn awake() {}
