use seaworthy::prelude::*;

#[cloud_service]
#[tokio::main]
async fn main() -> Router {
    Router::new()
}
