use seaworthy::prelude::*;

#[cloud_service(controllers(things))]
async fn main() -> Router {
    Router::new()
}
