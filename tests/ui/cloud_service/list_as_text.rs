use seaworthy::prelude::*;

#[cloud_service(ready = "sessions")]
async fn main() -> Router {
    Router::new()
}
