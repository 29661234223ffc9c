use seaworthy::prelude::*;

struct Config {
    greeting: String,
}

#[cloud_service]
async fn main(config: Config) -> Router {
    drop(config.greeting);
    Router::new()
}
