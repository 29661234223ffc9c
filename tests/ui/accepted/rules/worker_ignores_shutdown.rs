#![deny(warnings)]

use std::time::Duration;

use seaworthy::prelude::*;
use tokio::{sync::mpsc, time::sleep};

const SECOND: Duration = Duration::from_secs(1);

#[worker(allow(SW021, reason = "it holds nothing that could be cut"))]
async fn allowed() {
    loop {
        sleep(SECOND).await;
    }
}

/// A loop that ends with the service, one that is cut by it, and one with an end of its own.
#[worker]
async fn innocent(mut shutdown: Shutdown) {
    let work = async {
        loop {
            sleep(SECOND).await;
        }
    };
    tokio::select! {
        () = &mut shutdown => {}
        () = work => {}
    }
}

#[worker]
async fn ends() -> Result<(), &'static str> {
    let (_, mut jobs) = mpsc::channel::<u32>(1);
    while let Some(job) = jobs.recv().await {
        _ = job;
    }
    loop {
        sleep(SECOND).await;
        jobs.recv().await.ok_or("no more jobs")?;
    }
}

/// As the rule's help has it.
#[worker]
async fn helped(mut shutdown: Shutdown) -> Result<(), &'static str> {
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            () = sleep(SECOND) => {}
        }
    }
}

fn main() {
    _ = (allowed, innocent, ends, helped);
}
