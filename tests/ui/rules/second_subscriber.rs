seaworthy::audit!();

use seaworthy::{prelude::*, tracing};
use tracing_subscriber as logs;

/// As in the crate, which the tests don't have.
mod crates {
    pub mod tracing_subscriber {
        pub fn fmt() -> Builder {
            Builder
        }

        pub fn registry() -> Builder {
            Builder
        }

        pub struct Builder;

        impl Builder {
            pub fn json(self) -> Self {
                self
            }

            pub fn init(self) {}
        }
    }
}
use crates::*;

#[cloud_service]
async fn mistake() -> Router {
    tracing_subscriber::fmt().json().init();
    Router::new()
}

#[worker]
async fn by_alias() {
    let subscriber = logs::registry().json();
    subscriber.init();
}

#[worker]
async fn inside_of_macro() {
    tokio::join!(async {
        use tracing::subscriber::set_global_default as set;
        _ = set(tracing::subscriber::NoSubscriber::default());
    });
}

fn elsewhere() {
    logs::fmt()
        .json()
        .init();
}

fn main() {
    elsewhere();
    _ = (mistake(), by_alias(), inside_of_macro());
}
