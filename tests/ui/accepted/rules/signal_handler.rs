#![deny(warnings)]

seaworthy::audit!();

use seaworthy::prelude::*;
use tokio::signal::unix::{SignalKind, signal};

/// As in tokio, whose feature `signal` the tests don't have.
mod tokio {
    pub use ::tokio::select;

    pub mod signal {
        pub async fn ctrl_c() {}

        pub mod unix {
            pub struct SignalKind;

            impl SignalKind {
                pub fn hangup() -> Self {
                    Self
                }

                pub fn terminate() -> Self {
                    Self
                }
            }

            pub fn signal(_: SignalKind) -> Signal {
                Signal
            }

            pub struct Signal;

            impl Signal {
                pub async fn recv(&mut self) {}
            }
        }
    }
}

#[worker(allow(SW010, reason = "it only writes down when"))]
async fn allowed() {
    tokio::signal::ctrl_c().await;
}

async fn allowed_elsewhere() {
    // seaworthy: allow(SW010) it only writes down when
    signal(SignalKind::terminate()).recv().await;
}

/// Another signal, and what ends when the drain begins.
#[worker]
async fn innocent(shutdown: Shutdown) {
    let mut reload = signal(SignalKind::hangup());
    tokio::select! {
        () = reload.recv() => {}
        () = shutdown => {}
    }
}

#[cfg(test)]
mod tests {
    async fn test() {
        tokio::signal::ctrl_c().await;
    }
}

fn main() {
    _ = allowed_elsewhere();
    _ = allowed();
    _ = innocent;
}
