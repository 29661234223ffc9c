//! A liveness check calls nobody.
//!
//! When it fails, Kubernetes restarts the container. A database that is down for a minute then restarts every pod of
//! every service that asks it, again and again, and each start opens its connections anew: a small failure becomes a
//! large one. A readiness check only takes the pod out of the endpoints until it passes.
//!
//! See [Liveness, readiness, and startup probes](https://kubernetes.io/docs/concepts/workloads/pods/probes/).
//!
//! ```wrong
//! #[health]
//! async fn database() -> Result<(), sqlx::Error> {
//!     sqlx::query("SELECT 1").execute(&*POOL).await.map(drop)
//! }
//! ```
//!
//! ```right
//! #[ready]
//! async fn database(State(pool): State<PgPool>) -> Result<(), sqlx::Error> {
//!     sqlx::query("SELECT 1").execute(&pool).await.map(drop)
//! }
//! ```
//!
//! What a liveness check is for: whether this process still gets anywhere (a counter that a worker increments).
//!
//! It sees calls of HTTP clients, databases, caches and brokers by their crates, sockets and names that are looked up,
//! methods that only such have (`fetch_one`, `query_async`, `send` without arguments), and `ping`, `execute` and
//! `get_connection` where a client, a connection or a pool is named beside them: an actor of the process may well be
//! asked. It can't see what another function does.

use super::{
    Annotated, Check, Findings, Level, Rule,
    client_per_request::{clients, name},
};
use crate::code::Code;

pub(super) const RULE: Rule =
    Rule { code: "SW024", name: "liveness-calls-out", level: Level::Error, check: Check::Function(&["health"], check) };

/// Functions and macros that reach out.
const CALLS: [&str; 25] = [
    "reqwest::*",
    "seaworthy::reqwest::*",
    "ureq::*",
    "tokio::net::TcpStream::connect",
    "tokio::net::UdpSocket::*",
    "tokio::net::TcpSocket::*",
    "tokio::net::lookup_host",
    "std::net::TcpStream::connect*",
    "std::net::UdpSocket::*",
    "redis::*",
    "deadpool_redis::*",
    "sqlx::query*",
    "sqlx::raw_sql",
    "tokio_postgres::*",
    "sea_orm::Database::*",
    "tonic::transport::*",
    "kube::Client::*",
    "kube::Api::*",
    "mongodb::*",
    "bollard::*",
    "async_nats::*",
    "lapin::*",
    "hickory_resolver::*",
    "aws_config::*",
    "diesel::sql_query",
];

/// Methods that ask something else.
const METHODS: [&str; 10] = [
    "fetch_one",
    "fetch_optional",
    "fetch_all",
    "query_async",
    "query_one",
    "query_opt",
    "get_async_connection",
    "get_multiplexed_async_connection",
    "get_multiplexed_tokio_connection",
    "run_command",
];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    let paths = code.paths().iter().filter(|path| (path.is_call() || path.is_macro()) && path.is_one_of(&CALLS));
    let paths = paths.chain(clients(code)).map(|path| (path.tokens.clone(), name(path)));
    let methods = code.methods().iter().filter(|method| asks(code, method.name, method.arguments));
    let methods = methods.map(|method| (method.name..method.name + 1, code.text(method.name)));
    // A client and what is asked with it are one mistake.
    if let Some((tokens, name)) = paths.chain(methods).min_by_key(|(tokens, _)| tokens.start) {
        let what = format!("`{name}` calls out: an outage restarts every pod");
        found.add(code, tokens.start, tokens.end - 1, what, "make it a readiness check: `#[ready]`");
    }
}

fn asks(code: &Code, name: usize, arguments: usize) -> bool {
    let words = || (code.statement(name).start..name).filter_map(|at| code.word(at));
    match code.text(name) {
        // `request.send()`; a channel's has an argument.
        "send" => code.inside(arguments).is_empty() && is_awaited(code, arguments),
        // An actor's and a semaphore's ask nobody.
        "ping" | "execute" => words().any(is_peer) && is_awaited(code, arguments),
        "acquire" => words().any(is_pool) && is_awaited(code, arguments),
        // That of redis waits, with its thread.
        "get_connection" => {
            code.inside(arguments).is_empty() && words().any(|word| is_peer(word) && !word.contains("conn"))
        }
        method => METHODS.contains(&method) && is_awaited(code, arguments),
    }
}

/// Whether what a method returns is awaited, by itself or by what it is given to: `timeout(LIMIT, peer.ping()).await`.
fn is_awaited(code: &Code, arguments: usize) -> bool {
    let given_to = code.around(arguments).take_while(|open| code.is(*open, "("));
    std::iter::once(arguments)
        .chain(given_to)
        .any(|open| code.links(code.after(open)).any(|link| code.is_word(link.at, "await")))
}

/// Whether something of this name is probably a client or a connection.
fn is_peer(word: &str) -> bool {
    let word = word.to_lowercase();
    is_pool(&word) || ["client", "conn", "redis"].iter().any(|peer| word.contains(peer))
}

fn is_pool(word: &str) -> bool {
    let word = word.to_lowercase();
    word.contains("pool") || word == "db" || word.contains("database")
}
