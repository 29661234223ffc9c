#![deny(warnings)]

use std::{path::PathBuf, sync::Arc};

use seaworthy::prelude::*;
use tokio::fs;

#[handler(allow(SW018, reason = "a cache, which may be lost"))]
async fn allowed(Path(name): Path<String>) {
    _ = fs::write(name, "").await;
}

/// What is read, scratch files, and where the configuration says.
#[handler]
async fn innocent(Path(name): Path<String>, State(folder): State<Arc<PathBuf>>) {
    _ = fs::read(&name).await;
    _ = fs::OpenOptions::new().read(true).open(&name).await;
    let path = folder.join(name);
    _ = fs::write(&path, "").await;
}

#[worker]
async fn scratch() {
    let path = std::env::temp_dir().join("scratch");
    _ = fs::write(&path, "").await;
}

fn main() {
    _ = (allowed, innocent, scratch);
}
