use seaworthy::prelude::*;

#[cloud_service(ready(), workers())]
async fn main() -> Router {
    Router::new()
}
