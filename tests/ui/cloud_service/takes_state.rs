use seaworthy::prelude::*;

#[derive(Clone)]
struct Redis;

#[cloud_service]
async fn main(State(_redis): State<Redis>) -> Router {
    Router::new()
}
