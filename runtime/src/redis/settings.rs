//! What is read of the environment.

use std::{path::PathBuf, time::Duration};

use url::Url;

use crate::{Error, Secret, config};

/// Where Redis is, and how long to wait for it. A service flattens it into its own configuration:
///
/// ```
/// use seaworthy::{config::{self, Environment}, prelude::*, redis};
///
/// /// Settings of the shop.
/// #[config(env)]
/// struct Config {
///     #[config(flatten, env = "REDIS")]
///     redis: redis::Settings,
/// }
///
/// let environment = [("REDIS_URL", "rediss://shop:hunter2@cache"), ("REDIS_TIMEOUT", "200ms")];
/// let environment = Environment::from_iter(environment);
/// let config: Config = config::read(&environment)?;
/// assert_eq!(config.redis.timeout.as_millis(), 200);
/// # Ok::<(), config::Report>(())
/// ```
///
/// | variable, after the prefix | what it is for | default |
/// |---|---|---|
/// | `URL` | where Redis is, as [below](#the-url) | none: it is required |
/// | `CONNECT_TIMEOUT` | how long the start waits for a Redis that is not there yet | 10s |
/// | `TIMEOUT` | how long a command may take, with its wait for a connection | 1s |
/// | `CERTIFICATE` | over TLS: a file with the certificates to trust, in PEM | those of the system |
///
/// # The URL
///
/// | | |
/// |---|---|
/// | `redis://user:password@host:6379/0` | all but the host can be left out |
/// | `rediss://user:password@host:6379/0` | over TLS: the certificate has to be of that host |
/// | `redis+unix:///run/redis.sock?user=..&pass=..&db=0` | by a socket |
///
/// The number at its end is that of the database. Characters of a password that mean something in a URL are escaped:
/// `%23` is a `#`. One that comes from a file, `URL_FILE`, is read again for each connection, so that a password can be
/// rotated. With `?protocol=resp3`, answers are those of the newer protocol.
#[config(env)]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where Redis is: redis://user:password@host/0, or rediss:// for TLS.
    pub url: Secret<Url>,
    /// How long the start waits for a Redis that is not there yet.
    #[config(default = "10s")]
    pub connect_timeout: Duration,
    /// How long a command may take, with its wait for a connection. More than zero.
    #[config(default = "1s")]
    pub timeout: Duration,
    /// Over TLS: a file with the certificates to trust, in PEM, in place of the system's.
    pub certificate: Option<PathBuf>,
}

// === impl Settings ===

impl Settings {
    /// The defaults of each setting, for this URL: for tests, and for a URL that comes from elsewhere.
    #[must_use]
    pub fn new(url: impl Into<Secret<Url>>) -> Self {
        Self {
            url: url.into(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
            certificate: None,
        }
    }

    /// Refuses times in which nothing can be done.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.timeout.is_zero() {
            true => Err(Error::config(format!("{} is zero: no command would succeed", self.variable("TIMEOUT")))),
            false => Ok(()),
        }
    }

    /// How a variable of these settings is called.
    pub(super) fn variable(&self, name: &str) -> String {
        match self.url.variable().and_then(|url| url.strip_suffix("URL")) {
            Some(prefix) => format!("`{prefix}{name}`"),
            None => format!("its {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Environment};

    #[test]
    fn variables_are_called_as_the_user_has_them() {
        let environment = Environment::from_iter([("URL", "redis://cache"), ("TIMEOUT", "0s")]);
        let read: Settings = config::read(&environment).unwrap();
        assert_eq!(read.check().unwrap_err().to_string(), "`TIMEOUT` is zero: no command would succeed");
        assert_eq!(Settings::new("redis://cache".parse::<Url>().unwrap()).variable("URL"), "its URL");
    }

    #[test]
    fn what_is_not_set_is_as_new_makes_it() {
        let read: Settings = config::read(&Environment::from_iter([("URL", "redis://cache")])).unwrap();
        let made = Settings::new("redis://cache".parse::<Url>().unwrap());
        assert_eq!(format!("{read:?}"), format!("{made:?}"));
    }
}
