use seaworthy::prelude::*;

#[config(env)]
struct Listener {
    addr: String,
}

#[config(env)]
struct Config {
    #[config(flatten, env = "HTTP")]
    listener: Listener,
}

#[cloud_service]
async fn main(config: Config) -> Router {
    _ = config.listener.addr;
    Router::new()
}
