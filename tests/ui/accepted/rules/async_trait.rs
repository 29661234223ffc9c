//! Traits with async methods of their own; the rule can't be allowed.
#![deny(warnings)]

use seaworthy::prelude::*;

trait Store {
    async fn is_open(&self) -> bool;
}

#[derive(Clone)]
struct Memory;

impl Store for Memory {
    async fn is_open(&self) -> bool {
        true
    }
}

#[ready]
async fn store(State(memory): State<Memory>) -> bool {
    memory.is_open().await
}

#[cloud_service(ready(store))]
async fn service() -> Service<Memory> {
    Service::new(Memory)
}

fn main() {
    _ = service;
}
