#![deny(warnings)]

use std::sync::OnceLock;

use seaworthy::{http_client::HttpClient, prelude::*, reqwest};

#[handler(allow(SW019, reason = "each request has a certificate of its own"))]
async fn allowed() {
    drop(reqwest::Client::new());
}

/// One that was made before, or is made once.
#[handler]
async fn innocent(State(client): State<HttpClient>) {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    let once = CLIENT.get_or_init(|| reqwest::Client::new());
    drop((client.clone(), once.clone()));
}

fn set_up() {
    drop(reqwest::Client::new());
}

fn main() {
    _ = set_up;
    _ = (allowed, innocent);
}
