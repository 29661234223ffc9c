//! A client is made once, not for each request.
//!
//! Each client has connections of its own: a handshake for each request, ports that run out (a closed one waits a
//! minute), and no limit on how many there are, so that every replica more brings the other end nearer to its own.
//! Behind a Service, each new connection takes a place in the node's table of connections as well.
//!
//! See [Virtual IPs and Service Proxies](https://kubernetes.io/docs/reference/networking/virtual-ips/).
//!
//! ```wrong
//! #[handler]
//! async fn price() -> Result<String> {
//!     let client = reqwest::Client::new();
//!     Ok(client.get(PRICES).send().await?.text().await?)
//! }
//! ```
//!
//! ```right
//! #[handler]
//! async fn price(State(client): State<HttpClient>) -> Result<String> {
//!     Ok(client.get(PRICES).send().await?.text().await?)
//! }
//! ```
//!
//! It sees the constructors of `seaworthy::http_client`, reqwest, hyper, sqlx, SeaORM, tokio-postgres, redis, MongoDB,
//! kube, bollard, tonic (also `.._client::..Client::connect`), NATS, lapin and the AWS configuration. What a `static`,
//! a `OnceCell`, a map or a cache keeps is made once. A `#[health]` check has a rule of its own. It can't see a client
//! that another function makes, or one that was imported by `*`.

use super::{Annotated, Check, Findings, Level, Rule};
use crate::code::{Code, Path};

pub(super) const RULE: Rule = Rule {
    code: "SW019",
    name: "client-per-request",
    level: Level::Error,
    check: Check::Function(&["handler", "ready"], check),
};

/// What makes a client or a pool, or calls with one of its own.
const CLIENTS: [&str; 50] = [
    "seaworthy::http_client::HttpClient::new",
    "seaworthy::http_client::HttpClient::with",
    "seaworthy::reqwest::Client::new",
    "seaworthy::reqwest::Client::builder",
    "seaworthy::reqwest::ClientBuilder::new",
    "seaworthy::reqwest::get",
    "reqwest::Client::new",
    "reqwest::Client::builder",
    "reqwest::ClientBuilder::new",
    "reqwest::get",
    "hyper::Client::new",
    "hyper::Client::builder",
    "hyper_util::client::legacy::Client::builder",
    "redis::Client::open",
    "redis::aio::ConnectionManager::new",
    "redis::cluster::ClusterClient::new",
    "sqlx::Pool::connect*",
    "sqlx::PgPool::connect*",
    "sqlx::MySqlPool::connect*",
    "sqlx::SqlitePool::connect*",
    "sqlx::AnyPool::connect*",
    "sqlx::PgConnection::connect*",
    "sqlx::MySqlConnection::connect*",
    "sqlx::SqliteConnection::connect*",
    "sqlx::AnyConnection::connect*",
    "sqlx::pool::PoolOptions::new",
    "sqlx::postgres::PgPool::connect*",
    "sqlx::postgres::PgPoolOptions::new",
    "sqlx::postgres::PgConnection::connect*",
    "sqlx::mysql::MySqlPool::connect*",
    "sqlx::mysql::MySqlPoolOptions::new",
    "sqlx::mysql::MySqlConnection::connect*",
    "sqlx::sqlite::SqlitePool::connect*",
    "sqlx::sqlite::SqlitePoolOptions::new",
    "sqlx::sqlite::SqliteConnection::connect*",
    "sqlx::any::AnyPoolOptions::new",
    "sea_orm::Database::connect",
    "tokio_postgres::connect",
    "kube::Client::try_*",
    "mongodb::Client::with_*",
    "bollard::Docker::connect_with_*",
    "tonic::transport::Channel::from_*",
    "tonic::transport::Channel::builder",
    "tonic::transport::Endpoint::from_*",
    "tonic::transport::Endpoint::new",
    "async_nats::connect*",
    "lapin::Connection::connect*",
    "aws_config::load_*",
    "aws_config::from_env",
    "deadpool_postgres::Pool::builder",
];

/// What makes something once and keeps it.
const KEEPERS: [&str; 10] = [
    "get_or_init",
    "get_or_try_init",
    "try_get_or_init",
    "get_or_insert_with",
    "get_with",
    "try_get_with",
    "or_insert_with",
    "or_try_insert_with",
    "LazyLock",
    "Lazy",
];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    let each = if annotated.attribute == "handler" { "request" } else { "check" };
    for path in clients(code).filter(|path| !is_kept(code, path.tokens.start)) {
        let what = format!("`{}` makes a client for each {each}", name(path));
        let help = "make it in `main`, keep it in the state, and take it with `State(..)`";
        found.add(code, path.tokens.start, path.tokens.end - 1, what, help);
    }
}

/// The calls that make a client.
pub(super) fn clients(code: &Code) -> impl Iterator<Item = &Path> {
    code.paths().iter().filter(|path| path.is_call() && (path.is_one_of(&CLIENTS) || is_generated(&path.name)))
}

/// A path as it is shown: `seaworthy` has reqwest's too.
pub(super) fn name(path: &Path) -> &str {
    path.name.strip_prefix("seaworthy::").unwrap_or(&path.name)
}

/// What tonic generates: `greeter_client::GreeterClient::connect`.
fn is_generated(path: &str) -> bool {
    let mut names = path.rsplit("::");
    let (function, client, module) = (names.next(), names.next(), names.next());
    function == Some("connect")
        && client.is_some_and(|client| client.ends_with("Client"))
        && module.is_some_and(|module| module.ends_with("_client"))
}

fn is_kept(code: &Code, at: usize) -> bool {
    let is_keeper = |open: usize| {
        let start = open.saturating_sub(5);
        code.is(open, "(") && code.has_word(start..open, &KEEPERS)
    };
    code.around(at).any(is_keeper) || {
        let statement = code.statement(at);
        code.has_word(statement.start..at, &["static"])
    }
}
