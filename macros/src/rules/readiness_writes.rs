//! A check changes nothing.
//!
//! It runs every few seconds in every replica, for as long as the service lives: rows that nobody needs, keys that
//! evict others, locks that real requests wait for, a disk that fills up. And a database that is read-only while it
//! fails over makes every pod unready at once, when most of what they do would work.
//!
//! See [Liveness, readiness, and startup
//! probes](https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/).
//!
//! ```wrong
//! #[ready]
//! async fn database(State(pool): State<PgPool>) -> Result<(), sqlx::Error> {
//!     sqlx::query("INSERT INTO probes (at) VALUES (now())").execute(&pool).await.map(drop)
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
//! It sees SQL in texts that begins with a statement that writes, commands of Redis that do (`redis::cmd("SET")` and
//! the methods of that name), requests by POST, PUT, PATCH and DELETE, and files. It can't see what another function or
//! a query in another file does.

use super::{Annotated, Check, Findings, Level, Rule, local_file};
use crate::code::Code;

pub(super) const RULE: Rule = Rule {
    code: "SW025",
    name: "readiness-writes",
    level: Level::Error,
    check: Check::Function(&["ready", "health"], check),
};

/// How a statement begins that changes something. `*` is a name.
const SQL: [&[&str]; 14] = [
    &["INSERT", "INTO"],
    &["REPLACE", "INTO"],
    &["MERGE", "INTO"],
    &["DELETE", "FROM"],
    &["UPDATE", "*", "SET"],
    &["TRUNCATE", "TABLE"],
    &["CREATE", "TABLE"],
    &["CREATE", "INDEX"],
    &["CREATE", "UNIQUE", "INDEX"],
    &["CREATE", "DATABASE"],
    &["CREATE", "SCHEMA"],
    &["DROP", "TABLE"],
    &["DROP", "INDEX"],
    &["ALTER", "TABLE"],
];

const REDIS: [&str; 32] = [
    "APPEND", "DECR", "DECRBY", "DEL", "EXPIRE", "FLUSHALL", "FLUSHDB", "GETDEL", "GETSET", "HDEL", "HINCRBY", "HMSET",
    "HSET", "INCR", "INCRBY", "LPOP", "LPUSH", "MSET", "PEXPIRE", "PSETEX", "PUBLISH", "RENAME", "RPOP", "RPUSH",
    "SADD", "SET", "SETEX", "SETNX", "SREM", "UNLINK", "XADD", "ZADD",
];

/// Methods that write, where they are awaited.
const METHODS: [&str; 33] = [
    "set_ex",
    "pset_ex",
    "set_nx",
    "mset",
    "del",
    "unlink",
    "incr",
    "decr",
    "expire",
    "hset",
    "hset_nx",
    "hset_multiple",
    "hdel",
    "hincr",
    "lpush",
    "rpush",
    "lpop",
    "rpop",
    "sadd",
    "srem",
    "zadd",
    "xadd",
    "publish",
    "flushdb",
    "insert_one",
    "insert_many",
    "update_one",
    "update_many",
    "delete_one",
    "delete_many",
    "put_object",
    "put_item",
    "send_message",
];

/// Requests that change something, where they are sent.
const REQUESTS: [&str; 4] = ["post", "put", "patch", "delete"];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    let mut all: Vec<(usize, usize, String)> = Vec::new();
    all.extend(code.body().filter_map(|at| Some((at, at, sql(code.string(at)?)?))));
    for path in code.calls(&["redis::cmd"]) {
        if let Some(text) = path.arguments().map(|open| open + 1)
            && let Some(command) = code.string(text).map(str::to_uppercase)
            && REDIS.contains(&&*command)
        {
            all.push((text, text, command));
        }
    }
    for method in code.methods() {
        if writes(code, method.name, method.arguments) {
            all.push((method.name, method.name, code.text(method.name).to_owned()));
        }
    }
    all.extend(local_file::writes(code).map(|path| (path.tokens.start, path.tokens.end - 1, path.name.clone())));
    all.sort_by_key(|(first, ..)| *first);
    // One a statement: a query and how it is sent are one mistake.
    all.dedup_by_key(|(first, ..)| code.statement(*first).start);
    for (first, last, name) in all {
        let what = format!("this check writes (`{name}`), every few seconds in every replica");
        found.add(code, first, last, what, "ask for something that changes nothing: `SELECT 1`, `PING`, a `GET`");
    }
}

/// The start of a statement that writes.
fn sql(text: &str) -> Option<String> {
    let text = text.replace("\\n", " ");
    let words: Vec<_> = text.split_whitespace().take(3).map(str::to_uppercase).collect();
    let begins = |start: &&[&str]| {
        start.len() <= words.len() && start.iter().zip(&words).all(|(start, word)| *start == "*" || word == start)
    };
    let start = SQL.iter().copied().find(begins)?;
    Some(start.iter().map(|word| if *word == "*" { ".." } else { *word }).collect::<Vec<_>>().join(" "))
}

fn writes(code: &Code, name: usize, arguments: usize) -> bool {
    let method = code.text(name);
    let after = code.after(arguments);
    if !code.links(after).any(|link| code.is_word(link.at, "await")) {
        return false;
    }
    if REQUESTS.contains(&method) {
        return code.links(after).any(|link| code.is_word(link.at, "send")) && !is_call_by_post(code, name);
    }
    // A gauge's `set(..)` is not awaited.
    METHODS.contains(&method) || method == "set" && code.inside(arguments).any(|at| code.is(at, ","))
}

/// Whether a POST asks: JSON-RPC, GraphQL, a search.
fn is_call_by_post(code: &Code, at: usize) -> bool {
    code.statement(at).any(|at| {
        let text = code.text(at).to_lowercase();
        ["rpc", "graphql", "query", "search", "introspect"].iter().any(|asks| text.contains(asks))
    })
}
