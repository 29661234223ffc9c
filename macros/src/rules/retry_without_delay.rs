//! What failed is not tried again at once.
//!
//! What fell over comes back under the load that it fell over with: every replica, and every request or worker in it, asks
//! again as fast as it can. Meanwhile the loop takes a whole core, and the CPU limit throttles everything else in the pod.
//! Kubernetes itself waits longer each time before it restarts a container.
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
//! It sees a `loop` or a `while` with a single `.await` whose `Err` goes on without another. It is silent where any name in the
//! loop speaks of a wait, of something that comes next, or of a count. It can't see a loop over several calls, or one that
//! another function hides.

use std::ops::Range;

use super::{Annotated, Check, Findings, Level, Rule};
use crate::code::{Code, Kind, Loop};

pub(super) const RULE: Rule = Rule {
    code: "SW022",
    name: "retry-without-delay",
    level: Level::Error,
    check: Check::Function(&["handler", "health", "ready", "worker"], check),
};

/// Parts of names that speak of a wait, of what comes next, or of a count.
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
    error_arm(code, body.clone()).or_else(|| until_ok(code, wait, body))
}

/// `Err(..) => ..`, `if let Err(..) = ..`, `let Ok(..) = .. else { .. }`, where what follows doesn't leave the loop.
fn error_arm(code: &Code, body: Range<usize>) -> Option<Range<usize>> {
    for at in body.clone() {
        let name = code.word(at).unwrap_or_default();
        let pattern_end = code.after(at + 1);
        // `Err(Error::Conflict)` knows what failed.
        let is_any = code.is(at + 1, "(") && code.partner(at + 1) == at + 3;
        if name == "Err" && is_any && code.is_marks(pattern_end, "=>") {
            let start = pattern_end + 2;
            let mut end = if code.is(start, "{") { code.after(start) } else { start };
            while end < body.end && !code.is(start, "{") && !code.is(end, ",") && code.kind(end) != Some(Kind::Close) {
                end = code.after(end);
            }
            return (!leaves(code, start..end)).then_some(at..pattern_end);
        }
        let is_let = at.checked_sub(1).is_some_and(|before| code.is_word(before, "let"));
        if !is_let || !code.is(at + 1, "(") {
            continue;
        }
        let binding = code.lets().find(|binding| binding.at == at - 1)?;
        let awaits = code.awaits(binding.value.clone()).next().is_some();
        let block = match (name, binding.block) {
            ("Err", Some(block)) if is_any => block,
            ("Ok", None) if code.is_word(binding.value.end, "else") => binding.value.end + 1,
            _ => continue,
        };
        let inside = code.inside(block);
        return (awaits && !leaves(code, inside)).then_some(at..pattern_end);
    }
    None
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
    ((asks_ok || is_ok) && !has_else).then_some(statement.start..block)
}

fn leaves(code: &Code, tokens: Range<usize>) -> bool {
    code.has_word(tokens.clone(), &["break", "return", "panic", "exit", "bail", "unreachable"])
        || tokens.into_iter().any(|at| code.is(at, "?"))
}

fn speaks_of_wait(code: &Code, mut tokens: Range<usize>) -> bool {
    tokens.any(|at| {
        let word = code.word(at).unwrap_or_default().to_lowercase();
        word != "await" && WAITS.iter().any(|wait| word.contains(wait))
    })
}

/// Whether no loop stands between the loop and what waits in it.
fn is_innermost(code: &Code, wait: usize, it: &Loop) -> bool {
    !code.loops().any(|other| other.at > it.at && other.at < wait && wait < code.partner(other.open))
}
