use seaworthy::{http_client::HttpClient, prelude::*};

/// Stands for the crate.
mod crates {
    pub mod redis {
        pub(crate) struct Cmd;

        pub(crate) fn cmd(_name: &str) -> Cmd {
            Cmd
        }

        impl Cmd {
            pub(crate) async fn query_async(&self) -> Result<(), &'static str> {
                Ok(())
            }
        }
    }
}
use crates::*;

use redis as store;

async fn execute(_sql: &str) -> bool {
    true
}

#[ready]
async fn mistake() -> bool {
    execute("INSERT INTO probes (at) VALUES (now())").await
}

#[ready]
async fn by_alias() -> Result<(), &'static str> {
    store::cmd("set").query_async().await
}

#[ready]
async fn inside_of_macro() -> bool {
    tokio::join!(execute("update probes set at = now()")).0
}

#[ready]
async fn by_request(State(http): State<HttpClient>) -> bool {
    http.post("/probes").send().await.is_ok()
}

fn main() {
    _ = (mistake, by_alias, inside_of_macro, by_request);
}
