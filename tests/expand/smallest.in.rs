use seaworthy::prelude::*;

/// Says hello.
#[cloud_service]
async fn main() -> Router {
    Router::new().route("/", get(async || "hello"))
}
