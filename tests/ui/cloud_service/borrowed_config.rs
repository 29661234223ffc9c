use seaworthy::prelude::*;

#[config(env)]
struct Config {}

#[cloud_service]
async fn main(_config: &Config) -> Router {
    Router::new()
}
