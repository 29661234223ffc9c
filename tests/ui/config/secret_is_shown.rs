use seaworthy::prelude::*;

#[config(env)]
struct Config {
    database_url: Secret<Url>,
}

#[cloud_service]
async fn main(config: Config) -> Router {
    seaworthy::tracing::info!("connects to {}", config.database_url);
    Router::new()
}
