use seaworthy::prelude::*;

fn alive() {}

#[cloud_service(health(alive))]
async fn main() -> Router {
    Router::new()
}
