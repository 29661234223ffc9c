use seaworthy::prelude::*;

#[cloud_service]
async fn main() {
    Router::new()
}
