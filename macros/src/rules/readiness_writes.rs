//! A check changes nothing.
//!
//! It runs every few seconds in every replica, for as long as the service lives: rows that nobody needs, keys that
//! evict others, locks that real requests wait for, a disk that fills up. And a database that is read-only while it
//! fails over makes every pod unready at once, when most of what they do would work.
//!
//! See [Liveness, readiness, and startup probes](https://kubernetes.io/docs/concepts/workloads/pods/probes/).
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
//! the methods of that name), requests by POST, PUT, PATCH and DELETE, and files, but for those below a path from the
//! state: that a volume can be written is found out by writing. A `#[health]` check that asks anybody has a rule of its
//! own (SW024). It can't see what another function or a query in another file does.

use super::{Annotated, Check, Findings, Level, Rule, local_file};
use crate::code::Code;

pub(super) const RULE: Rule =
    Rule { code: "SW025", name: "readiness-writes", level: Level::Error, check: Check::Function(&["ready"], check) };

/// How a statement begins that changes something. `*` is a name.
const SQL: [&[&str]; 16] = [
    &["INSERT", "INTO"],
    &["INSERT", "IGNORE", "INTO"],
    &["INSERT", "OR", "*", "INTO"],
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
const VERBS: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

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
        if let Some(at) = writes(code, method.name, method.arguments) {
            all.push((at, at, code.text(at).to_owned()));
        }
    }
    let files = local_file::writes(code).filter(|path| !local_file::may_be_volume(annotated, path));
    all.extend(files.map(|path| (path.tokens.start, path.tokens.end - 1, path.name.clone())));
    all.sort_by_key(|(first, ..)| *first);
    // One a statement: a query and how it is sent are one mistake.
    all.dedup_by_key(|(first, ..)| code.statement(*first).start);
    for (first, last, name) in all {
        let what = format!("`{name}` writes, every few seconds in every replica");
        found.add(code, first, last, what, "ask for something that changes nothing: `SELECT 1`, `PING`, a `GET`");
    }
}

/// The start of a statement that writes.
fn sql(text: &str) -> Option<String> {
    let text = text.replace("\\n", " ");
    // As a word of a sentence it is written in small letters.
    if text.trim_start().starts_with("TRUNCATE ") {
        return Some("TRUNCATE".to_owned());
    }
    let words: Vec<_> = text.split_whitespace().take(4).map(str::to_uppercase).collect();
    let begins = |start: &&[&str]| {
        start.len() <= words.len() && start.iter().zip(&words).all(|(start, word)| *start == "*" || word == start)
    };
    let start = SQL.iter().copied().find(begins)?;
    Some(start.iter().map(|word| if *word == "*" { ".." } else { *word }).collect::<Vec<_>>().join(" "))
}

/// The word that says it, where a method writes.
fn writes(code: &Code, name: usize, arguments: usize) -> Option<usize> {
    let method = code.text(name);
    let after = code.after(arguments);
    code.links(after).find(|link| code.is_word(link.at, "await"))?;
    // `post(url)`, `request(Method::POST, url)`
    let request = match method {
        "request" => code.inside(arguments).find(|at| code.is(at - 1, ":") && code.has_word(*at..at + 1, &VERBS)),
        _ => Some(name).filter(|_| REQUESTS.contains(&method)),
    };
    if let Some(request) = request {
        let is_sent = code.links(after).any(|link| code.is_word(link.at, "send"));
        return Some(request).filter(|_| is_sent && !is_call_by_post(code, name));
    }
    // A gauge's `set(..)` is not awaited.
    let is_write = METHODS.contains(&method) || method == "set" && code.inside(arguments).any(|at| code.is(at, ","));
    is_write.then_some(name)
}

/// Whether a POST asks: JSON-RPC, GraphQL, a search.
fn is_call_by_post(code: &Code, at: usize) -> bool {
    code.statement(at).any(|at| {
        let text = code.text(at).to_lowercase();
        ["rpc", "graphql", "query", "search", "introspect"].iter().any(|asks| text.contains(asks))
    })
}
