use std::time::Duration;

use seaworthy::prelude::*;
use tokio::time::timeout as within;

async fn work() {}

#[handler]
async fn mistake() -> StatusCode {
    tokio::time::sleep(Duration::from_secs(25)).await;
    StatusCode::OK
}

#[handler]
async fn by_alias() -> StatusCode {
    match within(Duration::from_millis(20_001), work()).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::GATEWAY_TIMEOUT,
    }
}

#[handler]
async fn inside_of_macro() -> StatusCode {
    tokio::select! {
        () = work() => StatusCode::OK,
        () = tokio::time::sleep(Duration::from_secs(60)) => StatusCode::GATEWAY_TIMEOUT,
    }
}

#[cloud_service(drain = "20s", grace = "33s")]
async fn main() -> Router {
    Router::new()
        .route("/mistake", get(mistake))
        .route("/alias", get(by_alias))
        .route("/macro", get(inside_of_macro))
}
