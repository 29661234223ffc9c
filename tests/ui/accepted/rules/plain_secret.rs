#![deny(warnings)]

use std::time::Duration;

use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = "", allow(SW006, reason = "every form shows it"))]
    csrf_token: String,
    /// What is a secret already, and what only speaks of one.
    database_password: Option<Secret<String>>,
    #[config(default = "5m")]
    token_ttl: Duration,
    #[config(default = "ask your dog")]
    password_hint: String,
    #[config(default = "id")]
    partition_key: String,
}

fn main() {
    let read = |config: Config| {
        let Config { csrf_token, database_password, token_ttl, password_hint, partition_key } = config;
        (csrf_token, database_password, token_ttl, password_hint, partition_key)
    };
    _ = read;
}
