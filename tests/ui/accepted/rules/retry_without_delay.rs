#![deny(warnings)]

use std::time::Duration;

use seaworthy::prelude::*;
use tokio::sync::mpsc;

async fn reserve() -> Result<u32, &'static str> {
    Err("no connection")
}

#[handler(allow(SW022, reason = "it fails only where another was faster"))]
async fn allowed() {
    while reserve().await.is_err() {}
}

/// With a wait, an end, or something else to do each time.
#[handler]
async fn innocent() -> Result<(), StatusCode> {
    let mut wait = Duration::from_millis(10);
    while reserve().await.is_err() {
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    loop {
        match reserve().await {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) => return Err(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
    Ok(())
}

#[worker]
async fn each_once() {
    let (_, mut jobs) = mpsc::channel::<u32>(1);
    while let Some(job) = jobs.recv().await {
        if let Err(error) = reserve().await {
            _ = (job, error);
        }
    }
}

fn main() {
    _ = (allowed, innocent, each_once);
}
