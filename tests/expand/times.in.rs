use seaworthy::prelude::*;

/// Says hello, slowly.
#[cloud_service(lame_duck = "7s", drain = "25s", grace = "40s", request_timeout = "25s")]
async fn main() -> Router {
    Router::new().route("/", get(async || "hello"))
}
