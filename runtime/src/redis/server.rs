//! A real server for tests, and what they ask of it.

use std::time::Duration;

use ::redis::{FromRedisValue, cmd};

use super::{Redis, Settings};

/// A connection that waits for two seconds at most, on a machine that does other things, too.
pub(super) async fn connect(server: &servers::Redis) -> Redis {
    connect_to(&server.url()).await
}

/// The same, by another way.
pub(super) async fn connect_to(url: &str) -> Redis {
    let mut settings = Settings::new(url::Url::parse(url).unwrap());
    settings.timeout = Duration::from_secs(2);
    Redis::connect(settings).await.unwrap()
}

/// Sends a command as it is written.
pub(super) async fn ask<T: FromRedisValue>(redis: &Redis, command: &str) -> T {
    let mut words = command.split(' ');
    let mut asked = cmd(words.next().unwrap());
    words.for_each(|word| _ = asked.arg(word));
    asked.query_async(&mut redis.clone()).await.unwrap()
}

/// Waits until a connection that was lost is there again.
pub(super) async fn back(redis: &Redis) {
    while redis.ping().await.is_err() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
