use seaworthy::{prelude::*, reqwest};
use tokio::net::TcpStream as Peer;

/// Stands for the crate.
mod crates {
    pub mod sqlx {
        pub(crate) struct Query;

        pub(crate) fn query(_sql: &str) -> Query {
            Query
        }

        impl Query {
            pub(crate) async fn execute(&self) -> Result<(), &'static str> {
                Ok(())
            }
        }
    }
}
use crates::*;

#[health]
async fn mistake() -> Result<(), &'static str> {
    sqlx::query("SELECT 1").execute().await
}

#[health]
async fn by_alias() -> bool {
    Peer::connect(("store", 5432)).await.is_ok()
}

#[health]
async fn inside_of_macro() -> bool {
    tokio::select! {
        names = tokio::net::lookup_host("store:80") => names.is_ok(),
    }
}

/// One mistake, though it has two steps.
#[health]
async fn with_a_client() -> bool {
    let client = reqwest::Client::new();
    client.get("/").send().await.is_ok()
}

fn main() {
    _ = (mistake, by_alias, inside_of_macro, with_a_client);
}
