use seaworthy::prelude::*;

#[ready]
async fn sessions() {}

#[cloud_service(ready(sessions, sessions))]
async fn main() -> Router {
    Router::new()
}
