//! What a configuration may be.

#![deny(warnings)]

use std::{net::IpAddr, path::PathBuf, time::Duration};

use seaworthy::{config::ByteSize, prelude::*};

/// Settings of the service.
#[config(env, prefix = "APP")]
#[derive(Clone, Debug)]
pub struct Config {
    #[config(default = "30s")]
    pub patience: Duration,
    #[config(default = "1m 30s")]
    pub longer: Option<Duration>,
    #[config(default = -3)]
    pub offset: i8,
    #[config(default = 0.5)]
    pub ratio: f32,
    #[config(default = true)]
    #[config(env = "VERBOSE")]
    pub verbose: bool,
    #[config(default = "::1")]
    pub address: IpAddr,
    #[config(default = "2MiB")]
    pub limit: ByteSize,
    #[config(default = 1048576)]
    pub size: ByteSize,
    #[config(default = "unix:/run/peer.sock")]
    pub peer: Url,
    #[config(default = "http://localhost:8080, https://[::1]/")]
    pub peers: Vec<Url>,
    #[config(default = "1, 2,3")]
    pub weights: Option<Vec<u8>>,
    #[config(default = "")]
    pub none: Vec<u8>,
    #[config(default = vec![1])]
    pub made: Vec<u8>,
    #[config(default = "a b, c")]
    pub words: std::collections::BTreeSet<String>,
    #[config(default = 4)]
    pub workers: std::num::NonZeroU8,
    #[config(default = "4")]
    pub others: std::num::NonZero<usize>,
    #[config(default = PathBuf::from("/data"))]
    pub folder: PathBuf,
    #[config(flatten)]
    pub database: Database,
    #[config(flatten, env = "REPLICA")]
    pub replica: Database,
    #[config(flatten, env = "UPSTREAM_HTTP")]
    pub upstream: Upstream,
    #[cfg(any())]
    #[config(flatten, env = "REPLICA")]
    pub other: Database,
    #[config(skip)]
    pub count: usize,
    #[cfg(any())]
    pub absent: Missing,
    pub r#type: Option<String>,
}

#[config(env)]
#[derive(Clone, Debug)]
pub struct Database {
    url: Secret<Url>,
}

/// Its variables would be the runtime's or another's, but for their prefix.
#[config(env)]
#[derive(Clone, Debug)]
pub struct Upstream {
    pub addr: Option<String>,
    pub key_file: Option<PathBuf>,
    #[config(flatten)]
    pub database: Database,
    #[config(flatten, env = "REPLICA")]
    pub replica: Database,
}

#[cloud_service]
async fn service(Config { database, .. }: Config) -> Router {
    let _ = database.url.expose();
    Router::new()
}

fn main() {
    let _ = <service as seaworthy::CloudService>::parts();
}
