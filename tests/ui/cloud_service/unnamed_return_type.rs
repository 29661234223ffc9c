use seaworthy::prelude::*;

#[cloud_service]
async fn main() -> impl Clone {
    Router::new()
}
