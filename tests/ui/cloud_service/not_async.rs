use seaworthy::prelude::*;

#[cloud_service]
fn main() -> Router {
    Router::new()
}
