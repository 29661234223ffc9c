use seaworthy::prelude::*;

#[cloud_service(ready(sesions))]
async fn main() -> Router {
    Router::new()
}
