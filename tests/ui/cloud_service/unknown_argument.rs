use seaworthy::prelude::*;

#[cloud_service(readiness(none))]
async fn main() -> Router {
    Router::new()
}
