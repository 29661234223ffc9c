#![deny(warnings)]

seaworthy::audit!();

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    sync::{LazyLock, Mutex, OnceLock, atomic::AtomicU64},
    thread::JoinHandle,
};

use seaworthy::prelude::*;

// seaworthy: allow(SW009) what is missing is fetched again
static KEYS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[handler(allow(SW009, reason = "each replica greets by itself"))]
async fn allowed() -> String {
    static LAST: Mutex<Option<String>> = Mutex::new(None);
    LAST.lock().unwrap().clone().unwrap_or_default()
}

/// One at a time in this process.
static TURN: Mutex<()> = Mutex::new(());

/// What is counted is for metrics.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// What is written once, and never changed.
static NAMES: LazyLock<HashMap<&'static str, u64>> = LazyLock::new(HashMap::new);
static GREETING: OnceLock<String> = OnceLock::new();

/// What is made anew where it is missing.
static PAGE_CACHE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What belongs to the process.
static BEHIND: Mutex<Option<JoinHandle<()>>> = Mutex::new(None);

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ENTERED: Cell<bool> = const { Cell::new(false) };
}

tokio::task_local! {
    /// What belongs to a request.
    static ORDER: RefCell<Vec<String>>;
}

#[cfg(test)]
mod tests {
    static SEEN: super::Mutex<Vec<String>> = super::Mutex::new(Vec::new());
}

fn main() {
    _ = allowed();
    _ = (&KEYS, &TURN, &REQUESTS, &NAMES, &GREETING, &PAGE_CACHE, &BEHIND, &BUFFER, &ENTERED, &ORDER);
}
