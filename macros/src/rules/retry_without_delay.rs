//! What failed is not tried again at once.
//!
//! What fell over comes back under the load that it fell over with: every replica, and every request or worker in it,
//! asks again as fast as it can. Meanwhile the loop takes a whole core, and the CPU limit throttles everything else in
//! the pod. Kubernetes itself waits longer each time before it restarts a container.
//!
//! See [Container restarts](https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restarts).
//!
//! ```wrong
//! #[handler]
//! async fn order(State(client): State<Client>) -> StatusCode {
//!     loop {
//!         match client.reserve().await {
//!             Ok(()) => return StatusCode::CREATED,
//!             Err(_) => continue,
//!         }
//!     }
//! }
//! ```
//!
//! ```right
//! #[handler]
//! async fn order(State(client): State<Client>) -> StatusCode {
//!     let mut pause = Duration::from_millis(50);
//!     loop {
//!         match client.reserve().await {
//!             Ok(()) => return StatusCode::CREATED,
//!             Err(_) => tokio::time::sleep(pause).await,
//!         }
//!         pause *= 2;
//!     }
//! }
//! ```
//!
//! In a handler it is better to answer 503 at once: the client knows how long it can wait.
//!
//! It sees a `loop` or a `while` with a single `.await`, which ends when that succeeds and goes on when it fails. It is
//! silent where any name in the loop speaks of a wait, of something that comes next, or of a count. It can't see a loop
//! over several calls, or one that another function hides.

use std::ops::Range;

use super::{Annotated, Check, Findings, Level, Rule};
use crate::code::{Code, Loop};

pub(super) const RULE: Rule = Rule {
    code: "SW022",
    name: "retry-without-delay",
    level: Level::Error,
    check: Check::Function(&["command", "handler", "health", "ready", "worker"], check),
};

/// How parts of names begin that speak of a wait, of what comes next, or of a count.
const WAITS: [&str; 40] = [
    "accept",
    "acquire",
    "attempt",
    "backoff",
    "batch",
    "budget",
    "changed",
    "count",
    "cursor",
    "delay",
    "elapsed",
    "interval",
    "item",
    "join",
    "jitter",
    "left",
    "lock",
    "next",
    "notif",
    "page",
    "pause",
    "permit",
    "poll",
    "pop",
    "queue",
    "read",
    "recv",
    "receive",
    "remaining",
    "retr",
    "select",
    "shutdown",
    "sleep",
    "stream",
    "throttle",
    "tick",
    "timeout",
    "tries",
    "wait",
    "yield",
];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    for it in code.loops() {
        if let Some(failed) = tries_again(code, &it) {
            let what = "this tries again at once what failed: all replicas do so together";
            let help = "write `tokio::time::sleep(..).await` before the next try, longer each time";
            found.add(code, failed.start, failed.end - 1, what, help);
        }
    }
}

/// What in a loop goes on after a failure.
fn tries_again(code: &Code, it: &Loop) -> Option<Range<usize>> {
    let body = code.inside(it.open);
    let whole = it.at..body.end;
    let is_plain = code.is_word(it.at, "loop") || code.is_word(it.at, "while") && !code.is_word(it.at + 1, "let");
    let [wait] = *code.waits(whole.clone()).take(2).collect::<Vec<_>>() else {
        return None;
    };
    if !is_plain || speaks_of_wait(code, whole) || code.is_deferred(wait, it.open) || !is_innermost(code, wait, it) {
        return None;
    }
    if wait < it.open {
        // `while call().await.is_err() {}`
        let asks = code.links(wait + 1).find(|link| code.is_word(link.at, "is_err"))?;
        return (!leaves(code, body)).then_some(asks.at..asks.end);
    }
    error_arm(code, wait, body.clone()).or_else(|| until_ok(code, wait, body))
}

/// What in the body says that the call failed, where nothing that follows leaves the loop.
fn error_arm(code: &Code, wait: usize, body: Range<usize>) -> Option<Range<usize>> {
    let failures: Vec<_> = body.clone().filter_map(|at| failure(code, wait, at)).collect();
    if failures.iter().any(|failure| leaves(code, failure.then.clone())) {
        return None;
    }
    // A loop without an end does its work again and again, and what it calls may wait.
    let first = failures.into_iter().find(|failure| failure.is_any)?;
    let tries_again = code.has_word(first.then.clone(), &["continue"]) || leaves(code, body);
    tries_again.then_some(first.pattern)
}

struct Failure {
    pattern: Range<usize>,
    then: Range<usize>,
    /// Of any error: `Err(Error::Conflict)` knows what failed.
    is_any: bool,
}

/// `Err(..) => ..`, `if let Err(..) = ..`, `let Ok(..) = .. else { .. }`.
fn failure(code: &Code, wait: usize, at: usize) -> Option<Failure> {
    let name = code.word(at).filter(|name| matches!(*name, "Err" | "Ok") && code.is(at + 1, "("))?;
    let pattern = at..code.after(at + 1);
    let is_any = name == "Ok" || code.partner(at + 1) == at + 3;
    if name == "Err" && (code.is_marks(pattern.end, "=>") || code.is_word(pattern.end, "if")) {
        let open = code.around(at).next()?;
        let head =
            (0..open).rfind(|at| code.is_word(*at, "match") && code.block_after(at + 1) == Some(open))? + 1..open;
        let arrow = (pattern.end..code.partner(open)).find(|at| code.is_marks(*at, "=>"))?;
        let start = arrow + 2;
        let mut end = code.after(start);
        while !code.is(start, "{") && !code.is(end, ",") && end < code.partner(open) {
            end = code.after(end);
        }
        let is_any = is_any && arrow == pattern.end;
        return comes_of(code, wait, head).then_some(Failure { pattern, then: start..end, is_any });
    }
    let binding = code.lets().find(|binding| binding.at + 1 == at)?;
    let block = match (name, binding.block) {
        ("Err", Some(block)) => block,
        ("Ok", None) if code.is_word(binding.value.end, "else") => binding.value.end + 1,
        _ => return None,
    };
    comes_of(code, wait, binding.value).then_some(Failure { pattern, then: code.inside(block), is_any })
}

/// Whether a value is what was waited for, or the name of it.
fn comes_of(code: &Code, wait: usize, value: Range<usize>) -> bool {
    let is_name = |name: &usize| code.text(*name) == code.text(value.start);
    value.contains(&wait)
        || value.len() == 1
            && code.lets().any(|binding| binding.value.contains(&wait) && binding.names.iter().any(is_name))
}

/// `if let Ok(..) = .. { break; }` or `if ...is_ok() { break; }`, and nothing but it.
fn until_ok(code: &Code, wait: usize, body: Range<usize>) -> Option<Range<usize>> {
    let statement = code.statement(wait);
    let is_whole = statement.start == body.start && (statement.end == body.end || statement.end + 1 == body.end);
    if !is_whole || !code.is_word(statement.start, "if") {
        return None;
    }
    let asks_ok = code.links(wait + 1).any(|link| code.is_word(link.at, "is_ok"));
    let is_ok = code.is_word(statement.start + 1, "let") && code.is_word(statement.start + 2, "Ok");
    let block = code.block_after(statement.start + 1)?;
    let has_else = code.is_word(code.after(block), "else");
    let ends = leaves(code, code.inside(block));
    (ends && (asks_ok || is_ok) && !has_else).then_some(statement.start..block)
}

fn leaves(code: &Code, tokens: Range<usize>) -> bool {
    code.has_word(tokens.clone(), &["break", "return", "panic", "exit", "bail", "unreachable"])
        || tokens.into_iter().any(|at| code.is(at, "?"))
}

fn speaks_of_wait(code: &Code, mut tokens: Range<usize>) -> bool {
    tokens.any(|at| {
        let parts = parts(code.word(at).unwrap_or_default());
        parts.split('_').any(|part| part != "await" && WAITS.iter().any(|wait| part.starts_with(wait)))
    })
}

/// `exponential_backoff` for `ExponentialBackoff`.
fn parts(name: &str) -> String {
    let parts = name.chars().flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase()));
    parts.collect()
}

/// Whether no loop stands between the loop and what waits in it.
fn is_innermost(code: &Code, wait: usize, it: &Loop) -> bool {
    !code.loops().any(|other| other.at > it.at && other.at < wait && wait < code.partner(other.open))
}
