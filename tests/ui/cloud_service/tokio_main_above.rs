use seaworthy::prelude::*;

#[tokio::main]
#[cloud_service]
async fn main() -> Router {
    Router::new()
}
