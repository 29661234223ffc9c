use seaworthy::prelude::*;

#[worker]
async fn expire(shutdown: Shutdown) {
    shutdown.await
}

#[cloud_service(commands(expire))]
async fn main() -> Router {
    Router::new()
}
