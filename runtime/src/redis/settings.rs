//! What is read of the environment.

use std::{path::PathBuf, time::Duration};

use url::Url;

use crate::{Secret, config};

/// Where Redis is, and how long to wait for it. A service flattens it into its own configuration:
///
/// ```
/// use seaworthy::{prelude::*, redis};
///
/// /// Settings of the shop.
/// #[config(env)]
/// struct Config {
///     #[config(flatten, env = "REDIS")]
///     redis: redis::Settings,
/// }
/// ```
///
/// | variable | | default |
/// |---|---|---|
/// | `REDIS_URL` | `redis://user:password@host:6379/0`, `rediss://` for TLS, `redis+unix:///path?db=0` for a socket | required |
/// | `REDIS_CONNECT_TIMEOUT` | how long the set-up waits for Redis before it gives up | 10 s |
/// | `REDIS_TIMEOUT` | how long a command may take | 1 s |
/// | `REDIS_CERTIFICATE` | for `rediss://`: a file with the certificates to trust, in PEM | those of the system |
///
/// A URL from `REDIS_URL_FILE` is read again for each connection, so that a password can be rotated.
#[config(env)]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Redis, such as redis://user:password@host:6379/0; rediss:// for TLS, redis+unix:///path for a socket.
    pub url: Secret<Url>,
    /// How long the service waits for Redis at its start, before it gives up.
    #[config(default = "10s")]
    pub connect_timeout: Duration,
    /// How long a command to Redis may take.
    #[config(default = "1s")]
    pub timeout: Duration,
    /// For rediss://: a file with the certificates to trust, in PEM, instead of those of the system.
    pub certificate: Option<PathBuf>,
}

// === impl Settings ===

impl Settings {
    /// The defaults, with this URL.
    #[must_use]
    pub fn new(url: impl Into<Secret<Url>>) -> Self {
        Self {
            url: url.into(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
            certificate: None,
        }
    }
}
