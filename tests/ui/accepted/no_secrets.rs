//! What sounds like a secret and is none, and what is one and is kept as one.

use std::time::Duration;

use seaworthy::prelude::*;

#[config(env)]
pub struct Config {
    pub token_ttl: Duration,
    pub max_token: u32,
    pub secretary: String,
    pub password_hint: Option<String>,
    pub partition_key: String,
    pub api_key: Secret<String>,
    pub signing_key: Option<Secret<String>>,
    #[config(default = "redis://sessions@localhost:6379/0?owner=a:b@c")]
    pub redis_url: Url,
    #[config(skip)]
    pub cached_token: String,
}

fn main() {}
