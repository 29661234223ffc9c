use seaworthy::prelude::*;

#[cloud_service]
async fn main<T>() -> Router {
    Router::new()
}
