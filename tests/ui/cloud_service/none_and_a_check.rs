use seaworthy::prelude::*;

#[ready]
async fn sessions() {}

#[cloud_service(ready(none, sessions))]
async fn main() -> Router {
    Router::new()
}
