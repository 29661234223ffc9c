use seaworthy::prelude::*;

async fn hello() -> &'static str {
    "Hello!"
}

#[cloud_service]
async fn main() -> Router {
    Router::new().route("/", get(hello))
}
