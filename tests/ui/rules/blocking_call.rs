use std::{fs, thread as threads, time::Duration};

use seaworthy::prelude::*;

#[handler]
async fn mistake() {
    std::thread::sleep(Duration::from_millis(1));
}

#[worker]
async fn by_alias() {
    threads::sleep(Duration::from_millis(1));
}

#[ready]
async fn inside_of_macro() {
    use std::thread::sleep as pause;
    tokio::join!(async { pause(Duration::from_millis(1)) });
}

#[handler]
async fn file() -> String {
    fs::read_to_string("greeting").unwrap_or_default()
}

#[cloud_service(ready(inside_of_macro), workers(by_alias))]
async fn service() -> Router {
    Router::new().route("/", get(mistake)).route("/file", get(file))
}

fn main() {}
