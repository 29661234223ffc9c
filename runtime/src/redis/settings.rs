//! What is read of the environment.

use std::{fmt, path::PathBuf, time::Duration};

use url::Url;

use crate::{
    Error, Secret,
    config::{Config, Values, Variable},
};

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
/// let environment = Environment::from_iter([("REDIS_URL", "rediss://shop:hunter2@cache"), ("REDIS_TIMEOUT", "200ms")]);
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
/// The number at its end is that of the database. Characters of a password that mean something in a URL are escaped: `%23`
/// is a `#`. With `?protocol=resp3`, answers are those of the newer protocol.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// `URL`. From a file, `URL_FILE`, it is read again for each connection, so that a password can be rotated.
    pub url: Secret<Url>,
    /// `CONNECT_TIMEOUT`.
    pub connect_timeout: Duration,
    /// `TIMEOUT`. More than zero.
    pub timeout: Duration,
    /// `CERTIFICATE`.
    pub certificate: Option<PathBuf>,
    /// How the variables of the URL and of the time-out are called.
    names: [String; 3],
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
            names: ["the URL of Redis", "the time-out of Redis", "the certificate of Redis"].map(String::from),
        }
    }

    /// What a person calls the URL.
    pub(super) fn url_name(&self) -> &str {
        let [url, ..] = &self.names;
        url
    }

    pub(super) fn certificate_name(&self) -> &str {
        let [.., certificate] = &self.names;
        certificate
    }

    /// Refuses times in which nothing can be done.
    pub(super) fn check(&self) -> Result<(), Error> {
        let [_, timeout, _] = &self.names;
        match self.timeout.is_zero() {
            true => Err(Error::config(format!("{timeout} is zero: no command would succeed"))),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, connect_timeout, timeout, certificate, names: _ } = self;
        f.debug_struct("Settings")
            .field("url", url)
            .field("connect_timeout", connect_timeout)
            .field("timeout", timeout)
            .field("certificate", certificate)
            .finish()
    }
}

// By hand, for the whole names of its variables: a problem with a value may show only when it is used.
impl Config for Settings {
    const VARIABLES: &'static [Variable] = &[
        Variable::new::<Secret<Url>>("URL", "Where Redis is: redis://user:password@host/0, or rediss:// for TLS."),
        Variable::new::<Duration>("CONNECT_TIMEOUT", "How long the start waits for a Redis that is not there yet.")
            .default("10s"),
        Variable::new::<Duration>("TIMEOUT", "How long a command may take, with its wait for a connection.")
            .default("1s"),
        Variable::new::<Option<PathBuf>>(
            "CERTIFICATE",
            "Over TLS: a file with the certificates to trust, in PEM, in place of the system's.",
        ),
    ];

    fn build(values: &mut Values) -> Self {
        Self {
            names: ["URL", "TIMEOUT", "CERTIFICATE"].map(|name| format!("`{}`", values.whole_name(name))),
            url: values.take("URL"),
            connect_timeout: values.take("CONNECT_TIMEOUT"),
            timeout: values.take("TIMEOUT"),
            certificate: values.take("CERTIFICATE"),
        }
    }
}
