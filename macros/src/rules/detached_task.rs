//! Nobody waits for a task that was detached.
//!
//! Kubernetes sends SIGTERM and gives a pod a grace (30 s by default). The runtime waits for requests in flight and for
//! workers; it knows nothing of a task whose handle was dropped. What that task has not finished when the last request was
//! answered is lost in every rollout, its errors go to nobody, and nothing limits how many there are.
//!
//! See [Pod termination](https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination).
//!
//! ```wrong
//! #[handler]
//! async fn order() -> StatusCode {
//!     tokio::spawn(async { send_mail().await });
//!     StatusCode::ACCEPTED
//! }
//! ```
//!
//! ```right
//! #[handler]
//! async fn order() -> StatusCode {
//!     send_mail().await;
//!     StatusCode::ACCEPTED
//! }
//! ```
//!
//! What may take longer belongs to a [`#[worker]`](../README.md): put it where it is not lost (a table, a stream), and let
//! the worker do it.
//!
//! It can't see a handle that is kept and never awaited, a function that spawns in another crate, `spawn` of a runtime's handle, or a
//! thread.

use super::{Check, Findings, Level, Rule};
use crate::code::Code;

pub(super) const RULE: Rule = Rule {
    code: "SW004",
    name: "detached-task",
    level: Level::Error,
    check: Check::Everywhere(&["cloud_service", "handler", "ready", "worker"], check),
};

const SPAWNS: [&str; 5] = [
    "tokio::spawn",
    "tokio::task::spawn",
    "tokio::task::spawn_blocking",
    "tokio::task::spawn_local",
    "async_std::task::spawn",
];

fn check(code: &Code, found: &mut Findings) {
    for path in code
        .calls(&SPAWNS)
        .filter(|path| path.arguments().is_some_and(|open| is_dropped(code, path.tokens.start, open)))
    {
        found.add(
            code,
            path.tokens.start,
            path.tokens.end - 1,
            format!("nobody waits for what `{}` starts: a shutdown cuts it off", path.name),
            "await it, or make it a `#[worker]`, which the drain waits for",
        );
    }
}

/// Whether nothing is done with what a call returns: it is a statement, or bound to a name that is not used.
fn is_dropped(code: &Code, first: usize, open: usize) -> bool {
    if !code.is(code.after(open), ";") {
        return false;
    }
    let statement = code.statement(first);
    let before = statement.start..first;
    match before.len() {
        0 => true,
        // `let _ = ..`, `let _task = ..`
        3 => {
            code.is_word(before.start, "let")
                && code.text(before.start + 1).starts_with('_')
                && code.is(before.start + 2, "=")
        }
        _ => false,
    }
}
