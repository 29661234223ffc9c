use std::{net::SocketAddr, time::Duration};

use seaworthy::prelude::*;

/// Settings of the greeter.
#[config(env, prefix = "GREETER")]
#[derive(Debug)]
pub struct Config {
    /// How the greeting starts.
    #[config(default = "Hello")]
    pub greeting: String,
    /// Where sessions are kept.
    pub redis_url: Secret<Url>,
    #[config(default = Duration::from_secs(3))]
    patience: Duration,
    #[config(flatten, env = "DB")]
    database: Database,
}

#[config(env)]
#[derive(Debug)]
pub struct Database {
    /// Where the database listens.
    #[config(default = "127.0.0.1:5432", env = "DATABASE_ADDRESS")]
    address: Option<SocketAddr>,
    #[config(default = 10_000)]
    #[cfg(unix)]
    limit: u16,
    #[config(skip)]
    queries: Vec<String>,
}
