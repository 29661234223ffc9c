#![deny(warnings)]

use seaworthy::prelude::*;

#[config(env)]
pub struct Config {
    pub greeting: String,
    /// Nothing keeps entries that long.
    #[config(default = "5m")]
    pub cache_lifetime: std::time::Duration,
}

pub mod settings {
    use seaworthy::config as from_environment;

    #[seaworthy::config(env)]
    pub struct More {
        pub colour: Option<String>,
    }

    /// By another name it isn't known.
    #[from_environment(env)]
    pub struct Unknown {
        pub size: Option<u8>,
    }
}

#[cloud_service]
async fn main(config: Config) -> Router {
    tokio::join!(async { drop(config.greeting.clone()) });
    Router::new()
}
