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
//! Two tasks are left alone, for they are waited for: one that sends to a channel of which the function keeps the receiver,
//! as for the body of a response, and one that has an upgraded connection (`hyper::upgrade::on`), which the drain knows.
//!
//! It can't see a handle that is kept and never awaited, a function that spawns in another crate, `spawn` of a runtime's handle, or a
//! thread.

use std::ops::Range;

use super::{Check, Findings, Level, Rule};
use crate::code::{Code, Path};

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

/// What makes a pair of a sender and a receiver. Who keeps the receiver of a `watch` or a `broadcast` waits for no end.
const CHANNELS: [&str; 6] = ["bounded", "channel", "duplex", "simplex", "unbounded", "unbounded_channel"];
const ENDLESS: [&str; 2] = ["broadcast", "watch"];

fn check(code: &Code, found: &mut Findings) {
    let detached = |path: &&Path| path.arguments().is_some_and(|open| is_dropped(code, path.tokens.start, open));
    let tasks: Vec<_> = code.calls(&SPAWNS).filter(detached).collect();
    for path in tasks.iter().filter(|task| !feeds_what_is_kept(code, task, &tasks) && !has_upgraded(code, task, &tasks))
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

/// Whether the task sends to a channel that this function, and no other such task, receives from.
fn feeds_what_is_kept(code: &Code, task: &Path, tasks: &[&Path]) -> bool {
    let is_kept = |at: &usize| !tasks.iter().any(|task| tokens(code, task).contains(at));
    code.paths().iter().filter(|path| is_channel(path)).filter_map(|path| ends(code, path)).any(|channel| {
        let Ends { sender, receiver, scope } = channel;
        scope.contains(&task.tokens.start)
            && code.has_word(tokens(code, task), &[sender])
            && scope.filter(is_kept).any(|at| code.is_word(at, receiver))
    })
}

/// Whether the task upgrades a connection, stands in one that does, or is given what `upgrade` has returned.
fn has_upgraded(code: &Code, task: &Path, tasks: &[&Path]) -> bool {
    let is_upgrade = |path: &&Path| path.is_call() && path.last_name() == "upgrade";
    let around = tasks.iter().map(|other| tokens(code, other)).filter(|other| other.contains(&task.tokens.start));
    code.calls(&["hyper::upgrade::on"]).any(|on| around.clone().any(|task| task.contains(&on.tokens.start)))
        || code.paths().iter().filter(is_upgrade).filter_map(|path| ends(code, path)).any(
            |Ends { receiver, scope, .. }| {
                scope.contains(&task.tokens.start) && code.has_word(tokens(code, task), &[receiver])
            },
        )
}

/// The tokens of a call.
fn tokens(code: &Code, call: &Path) -> Range<usize> {
    call.tokens.start..call.arguments().map_or(call.tokens.end, |open| code.partner(open))
}

fn is_channel(path: &Path) -> bool {
    path.is_call()
        && CHANNELS.contains(&path.last_name())
        && !path.name.split("::").any(|segment| ENDLESS.contains(&segment))
}

/// The names of two ends, and the tokens that can see them.
struct Ends<'a> {
    sender: &'a str,
    receiver: &'a str,
    scope: Range<usize>,
}

/// What `let (sender, receiver) = channel(..);` binds.
fn ends<'a>(code: &'a Code, channel: &Path) -> Option<Ends<'a>> {
    let statement = code.statement(channel.tokens.start);
    let pattern = statement.start + 1;
    if !code.is_word(statement.start, "let") || !code.is(pattern, "(") {
        return None;
    }
    let names: Vec<_> = code.inside(pattern).filter_map(|at| code.word(at)).filter(|word| *word != "mut").collect();
    let &[sender, receiver] = names.as_slice() else {
        return None;
    };
    let end = code.around(statement.start).next().map_or(code.len(), |open| code.partner(open));
    Some(Ends { sender, receiver, scope: statement.end..end })
}
