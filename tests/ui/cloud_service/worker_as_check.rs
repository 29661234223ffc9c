use seaworthy::prelude::*;

#[worker]
async fn expire() {}

#[cloud_service(ready(expire))]
async fn main() -> Router {
    Router::new()
}
