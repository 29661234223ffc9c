use seaworthy::prelude::*;

#[cloud_service(name = "")]
async fn main() -> Router {
    Router::new()
}
