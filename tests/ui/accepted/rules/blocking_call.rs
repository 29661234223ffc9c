#![deny(warnings)]

use std::{fs, io, time::Duration};

use seaworthy::prelude::*;
use tokio::time as thread;

#[handler(allow(SW005, reason = "a nanosecond is no wait"))]
async fn allowed() {
    std::thread::sleep(Duration::from_nanos(1));
}

/// What has a thread of its own, and what is called like something that blocks.
#[handler]
async fn innocent() -> StatusCode {
    thread::sleep(Duration::from_millis(1)).await;
    let text = tokio::task::spawn_blocking(|| fs::read_to_string("greeting")).await;
    match text.map(io::Result::ok) {
        Ok(Some(_)) => StatusCode::OK,
        _ => StatusCode::NOT_FOUND,
    }
}

/// A set-up, before which nothing is served.
#[cloud_service]
async fn service() -> Result<Router, io::Error> {
    fs::metadata("/")?;
    Ok(Router::new().route("/", get(innocent)).route("/allowed", get(allowed)))
}

fn main() {
    _ = service;
}
