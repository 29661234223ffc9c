use seaworthy::prelude::*;

#[ready]
fn sessions() {}

#[cloud_service(ready(sessions))]
async fn main() -> Router {
    Router::new()
}
