//! The settings of a database, and what a URL says of it.

use std::{fmt, num::NonZeroU32, time::Duration};

use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};
use url::{Host, Position, Url};

use crate::{
    Error, Secret,
    config::{Config, Values, Variable},
};

/// What sqlx reads of a URL's query, but for the names that begin with `options[`.
const PARAMETERS: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// The settings of a database, for a configuration to flatten.
///
/// ```
/// use seaworthy::{config::{self, Environment}, postgres, prelude::*};
///
/// /// Settings of the shop.
/// #[config(env)]
/// struct Config {
///     #[config(flatten, env = "DATABASE")]
///     database: postgres::Settings,
/// }
///
/// let environment = Environment::from_iter([
///     ("DATABASE_URL", "postgres://shop:hunter2@db/shop?sslmode=verify-full"),
///     ("DATABASE_MAX_CONNECTIONS", "20"),
/// ]);
/// let config: Config = config::read(&environment)?;
/// assert_eq!(config.database.max_connections.get(), 20);
/// # Ok::<(), config::Report>(())
/// ```
///
/// | variable, after the prefix | what it is for | default |
/// |---|---|---|
/// | `URL` | where the database is, and how to connect to it | none: it is required |
/// | `MAX_CONNECTIONS` | how many connections there are at most | 10 |
/// | `MIN_CONNECTIONS` | how many are kept open, even if nobody needs them | 0 |
/// | `CONNECT_TIMEOUT` | how long the start waits for a database that is not there yet | 10s |
/// | `ACQUIRE_TIMEOUT` | how long a call waits for a connection, a free one or a new one | 2s |
/// | `TIMEOUT` | how long a call may take, with its wait for a connection | 5s |
/// | `IDLE_TIMEOUT` | how long a connection stays open that nobody needs | 10m |
/// | `MAX_LIFETIME` | how long a connection is used, up to a tenth less | 30m |
/// | `QUERY_TEXT` | whether spans and logs show the text of statements | false |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// `URL`: `postgres://user:password@host:port/database`, with [parameters](super#tls) after a `?`.
    pub url: Secret<Url>,
    /// `MAX_CONNECTIONS`.
    pub max_connections: NonZeroU32,
    /// `MIN_CONNECTIONS`.
    pub min_connections: u32,
    /// `CONNECT_TIMEOUT`.
    pub connect_timeout: Duration,
    /// `ACQUIRE_TIMEOUT`. More than zero.
    pub acquire_timeout: Duration,
    /// `TIMEOUT`. More than zero.
    pub timeout: Duration,
    /// `IDLE_TIMEOUT`.
    pub idle_timeout: Duration,
    /// `MAX_LIFETIME`. Each pool takes up to a tenth off, by chance, so that replicas don't renew their connections at
    /// once.
    pub max_lifetime: Duration,
    /// `QUERY_TEXT`. Values are never shown, but those that are written into the text itself.
    pub query_text: bool,
}

/// Where a database is, for a person: its host, port and name, without user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// A host, or the folder of a socket.
    pub(super) host: String,
    /// `None` for a socket.
    pub(super) port: Option<u16>,
    pub(super) database: String,
}

// === impl Settings ===

// `#[config(env)]` would refuse a field with the name of a setting of the runtime: `MAX_CONNECTIONS`. These have a
// prefix.
#[diagnostic::do_not_recommend]
impl Config for Settings {
    const VARIABLES: &'static [Variable] = &[
        Variable::new::<Secret<Url>>(
            "URL",
            "Where the database is: postgres://user:password@host/database, and ?sslmode=verify-full.",
        ),
        Variable::new::<NonZeroU32>("MAX_CONNECTIONS", "Connections to the database at most.").default("10"),
        Variable::new::<u32>("MIN_CONNECTIONS", "Connections that are kept open, even if nobody needs them.")
            .default("0"),
        Variable::new::<Duration>("CONNECT_TIMEOUT", "How long the start waits for a database that is not there yet.")
            .default("10s"),
        Variable::new::<Duration>(
            "ACQUIRE_TIMEOUT",
            "How long a call waits for a connection, a free one or a new one.",
        )
        .default("2s"),
        Variable::new::<Duration>("TIMEOUT", "How long a call may take, with its wait for a connection.").default("5s"),
        Variable::new::<Duration>("IDLE_TIMEOUT", "How long a connection stays open that nobody needs.").default("10m"),
        Variable::new::<Duration>("MAX_LIFETIME", "How long a connection is used, up to a tenth less.").default("30m"),
        Variable::new::<bool>(
            "QUERY_TEXT",
            "Whether spans and logs show the text of statements, without their values.",
        )
        .default("false"),
    ];

    fn build(values: &mut Values) -> Self {
        Self {
            url: values.take("URL"),
            max_connections: values.take("MAX_CONNECTIONS"),
            min_connections: values.take("MIN_CONNECTIONS"),
            connect_timeout: values.take("CONNECT_TIMEOUT"),
            acquire_timeout: values.take("ACQUIRE_TIMEOUT"),
            timeout: values.take("TIMEOUT"),
            idle_timeout: values.take("IDLE_TIMEOUT"),
            max_lifetime: values.take("MAX_LIFETIME"),
            query_text: values.take("QUERY_TEXT"),
        }
    }
}

impl Settings {
    /// The defaults of each setting, for this URL: for tests, and for a URL that comes from elsewhere.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            url: url.into(),
            max_connections: const { NonZeroU32::new(10).expect("it is not zero") },
            min_connections: 0,
            connect_timeout: Duration::from_secs(10),
            acquire_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(10 * 60),
            max_lifetime: Duration::from_secs(30 * 60),
            query_text: false,
        }
    }

    /// Refuses times in which nothing can be done.
    pub(super) fn check(&self) -> Result<(), Error> {
        for (setting, name) in [(self.acquire_timeout, "ACQUIRE_TIMEOUT"), (self.timeout, "TIMEOUT")] {
            if setting.is_zero() {
                return Err(Error::config(format!("{} is zero: no call would succeed", self.variable(name))));
            }
        }
        Ok(())
    }

    /// How a variable of these settings is called: as the user has it, where they were read from variables.
    pub(super) fn variable(&self, name: &str) -> String {
        match self.url.variable().and_then(|url| url.strip_suffix("URL")) {
            Some(prefix) => format!("`{prefix}{name}`"),
            None => format!("the database's {name}"),
        }
    }

    /// How the variable of the URL is called.
    pub(super) fn url_variable(&self) -> String {
        self.variable("URL")
    }
}

/// Reads a URL. What is wrong with it is said without showing it.
pub(super) fn connect_options(url: &Url, settings: &Settings) -> Result<PgConnectOptions, Error> {
    let problem = |what: &str| Error::config(format!("{} can't be used: {what}", settings.url_variable()));
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(problem("it does not begin with `postgres://`"));
    }
    // Its password has ended too early, and the rest of it would be shown as a part of the place or of the parameters.
    if url.username().is_empty() && url[Position::AfterPort..].contains('@') {
        return Err(problem(
            "it has an `@` and no user: in a password, write `/`, `?` and `#` as `%2F`, `%3F` and `%23`",
        ));
    }
    let mut url = url.clone();
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    url.query_pairs_mut().clear();
    for (name, value) in pairs {
        if !(PARAMETERS.contains(&&*name) || name.starts_with("options[")) {
            // sqlx would log it with its value, which may be a password under a name that is misspelt.
            tracing::warn!(target: "seaworthy::postgres", "{} has a parameter that is not known, `{name}`",
                settings.url_variable());
            continue;
        }
        let mut alone = Url::parse("postgres://localhost").expect("it is one");
        alone.query_pairs_mut().append_pair(&name, &value);
        if PgConnectOptions::from_url(&alone).is_err() {
            return Err(problem(&format!("its parameter `{name}` is not valid")));
        }
        url.query_pairs_mut().append_pair(&name, &value);
    }
    let mut options = PgConnectOptions::from_url(&url).map_err(|_| problem("a part of it is not UTF-8"))?;
    // sqlx would look for a host whose name is the address in its brackets.
    if let Some(Host::Ipv6(address)) = url.host()
        && options.get_host() == format!("[{address}]")
    {
        options = options.host(&address.to_string());
    }
    Ok(if settings.query_text { options } else { options.disable_statement_logging() })
}

/// Whether the URL asks for TLS.
pub(super) fn requires_tls(options: &PgConnectOptions) -> bool {
    matches!(options.get_ssl_mode(), PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull)
}

// === impl Place ===

impl From<&PgConnectOptions> for Place {
    fn from(options: &PgConnectOptions) -> Self {
        let socket = options.get_socket().map(|path| path.display().to_string());
        let host = socket.unwrap_or_else(|| options.get_host().to_owned());
        Self {
            port: (!host.starts_with('/')).then(|| options.get_port()),
            host,
            // PostgreSQL has it so.
            database: options.get_database().unwrap_or(options.get_username()).to_owned(),
        }
    }
}

/// `db:5432/shop`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, database } = self;
        match port {
            Some(port) if host.contains(':') => write!(f, "[{host}]:{port}/{database}"),
            Some(port) => write!(f, "{host}:{port}/{database}"),
            None => write!(f, "{host}/{database}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Environment, read as read_config},
        error::Kind,
    };

    fn settings(url: &str) -> Settings {
        Settings::new(Url::parse(url).unwrap())
    }

    fn options(url: &str) -> Result<PgConnectOptions, Error> {
        let settings = settings(url);
        connect_options(settings.url.expose(), &settings)
    }

    #[seaworthy::config(env)]
    struct Shop {
        #[config(flatten, env = "DATABASE")]
        database: Settings,
    }

    fn read(variables: &[(&str, &str)]) -> Settings {
        let url = ("DATABASE_URL", "postgres://db/shop");
        let environment = Environment::from_iter(variables.iter().copied().chain([url]));
        read_config::<Shop>(&environment).unwrap().database
    }

    #[test]
    fn the_defaults_are_those_of_the_variables() {
        // Secrets are shown alike.
        assert_eq!(format!("{:?}", read(&[])), format!("{:?}", settings("postgres://db/shop")));
    }

    #[test]
    fn a_place_is_shown_without_who_connects() {
        for (url, expected) in [
            ("postgres://shop:hunter2@db/orders", "db:5432/orders"),
            ("postgresql://shop:hunter2@db:1/", "db:1/shop"),
            ("postgres://shop@[::1]:7/orders", "[::1]:7/orders"),
            ("postgres://shop@db/orders?port=7&host=other", "other:7/orders"),
            ("postgres://shop@%2Frun%2Fpostgresql/orders", "/run/postgresql/orders"),
            ("postgres:///orders?host=/run/postgresql&user=shop", "/run/postgresql/orders"),
        ] {
            assert_eq!(Place::from(&options(url).unwrap()).to_string(), expected, "{url}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_it() {
        for (url, expected) in [
            ("mysql://shop:hunter2@db/orders", "it does not begin with `postgres://`"),
            ("postgres://shop:hunter2@db/orders?sslmode=hunter2", "its parameter `sslmode` is not valid"),
            ("postgres://shop:hunter2@db/orders?hostaddr=hunter2", "its parameter `hostaddr` is not valid"),
            ("postgres://shop:hunter2%C3@db/orders", "a part of it is not UTF-8"),
            (
                "postgres://shop:/hunter2@db/orders",
                "it has an `@` and no user: in a password, write `/`, `?` and `#` as `%2F`, `%3F` and `%23`",
            ),
            (
                "postgres://shop:?hunter2@db/orders",
                "it has an `@` and no user: in a password, write `/`, `?` and `#` as `%2F`, `%3F` and `%23`",
            ),
            (
                "postgres://shop:12#hunter2@db/orders",
                "it has an `@` and no user: in a password, write `/`, `?` and `#` as `%2F`, `%3F` and `%23`",
            ),
        ] {
            let error = options(url).unwrap_err();
            assert_eq!(error.kind(), Kind::Config);
            assert_eq!(format!("{error:#}"), format!("the database's URL can't be used: {expected}"));
        }
    }

    #[test]
    fn parameters_reach_sqlx() {
        let options = options(
            "postgres://shop@db/orders?sslmode=verify-full&application_name=a%20b&options[statement_timeout]=1s&a=b",
        )
        .unwrap();
        assert!(requires_tls(&options));
        assert_eq!(options.get_application_name(), Some("a b"));
        assert_eq!(options.get_options(), Some("-c statement_timeout=1s"));
    }

    #[test]
    fn an_address_of_ipv6_loses_its_brackets() {
        assert_eq!(options("postgres://shop@[::1]:7/orders").unwrap().get_host(), "::1");
        assert_eq!(options("postgres://shop@[::1]:7/orders?host=db").unwrap().get_host(), "db");
    }

    #[test]
    fn variables_are_called_as_the_user_has_them() {
        let read = read(&[("DATABASE_TIMEOUT", "0s")]);
        assert_eq!(read.check().unwrap_err().to_string(), "`DATABASE_TIMEOUT` is zero: no call would succeed");
        let made = Settings { acquire_timeout: Duration::ZERO, ..settings("postgres://db/shop") };
        let expected = "the database's ACQUIRE_TIMEOUT is zero: no call would succeed";
        assert_eq!(made.check().unwrap_err().to_string(), expected);
    }
}
