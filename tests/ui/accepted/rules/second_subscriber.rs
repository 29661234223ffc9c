#![deny(warnings)]

seaworthy::audit!();

use seaworthy::{prelude::*, tracing};
use tracing::subscriber::{NoSubscriber, set_global_default, with_default};

#[cloud_service(allow(SW012, reason = "whether there is one is asked by setting another"))]
async fn allowed() -> Router {
    _ = set_global_default(NoSubscriber::default());
    Router::new()
}

fn allowed_elsewhere() {
    // seaworthy: allow(SW012) whether there is one is asked by setting another
    _ = set_global_default(NoSubscriber::default());
}

/// A subscriber of a scope, and another's `init`.
#[worker]
async fn innocent() {
    with_default(NoSubscriber::default(), || tracing::info!("nobody sees this"));
    Table.init();
}

struct Table;

impl Table {
    fn init(&self) {}
}

#[cfg(test)]
mod tests {
    fn test() {
        _ = super::set_global_default(super::NoSubscriber::default());
    }
}

fn main() {
    allowed_elsewhere();
    _ = (allowed(), innocent());
}
