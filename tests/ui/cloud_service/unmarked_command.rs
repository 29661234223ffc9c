use seaworthy::prelude::*;

async fn migrate() {}

#[cloud_service(commands(migrate))]
async fn main() -> Router {
    Router::new()
}
