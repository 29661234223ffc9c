seaworthy::audit!();

use seaworthy::prelude::*;
use tokio::signal::unix as signals;

/// As in tokio, whose feature `signal` the tests don't have.
mod tokio {
    pub use ::tokio::select;

    pub mod signal {
        pub async fn ctrl_c() {}

        pub mod unix {
            pub struct SignalKind;

            impl SignalKind {
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

async fn send_mails() {}

#[cloud_service]
async fn mistake() -> Router {
    tokio::signal::ctrl_c().await;
    Router::new()
}

#[worker]
async fn inside_of_macro() {
    tokio::select! {
        () = send_mails() => {}
        () = async {
            use tokio::signal::ctrl_c as stop;
            stop().await
        } => {}
    }
}

async fn by_alias_elsewhere() {
    let mut terminate = signals::signal(signals::SignalKind::terminate());
    terminate.recv().await;
}

fn main() {
    _ = (mistake(), inside_of_macro(), by_alias_elsewhere());
}
