use seaworthy::prelude::*;

async fn expire() {}

#[cloud_service(workers(expire))]
async fn main() -> Router {
    Router::new()
}
