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
//! Three tasks are left alone, for they end with what is waited for: one that sends to a channel of which the function
//! keeps the receiver, as for the body of a response; one that has an upgraded connection (`hyper::upgrade::on`), which the
//! drain knows; and one that drives the connection of a client which the function keeps, where a `let` binds both
//! (`tokio_postgres::connect`, hyper's `handshake`, `rtnetlink::new_connection`).
//!
//! It sees a handle that is dropped: by a statement, `_ = ..`, `drop(..)`, and a `let` of `_` or of a name that begins so
//! and is not used. It can't see a handle that is kept and never awaited, a function that spawns in another crate, `spawn`
//! of a runtime's handle, or a thread.

use std::ops::Range;

use super::{Check, FUNCTIONS, Findings, Level, Rule};
use crate::code::{Code, Path};

pub(super) const RULE: Rule =
    Rule { code: "SW004", name: "detached-task", level: Level::Error, check: Check::Everywhere(FUNCTIONS, check) };

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

/// How the names of functions begin that give a client and its connection, which a task has to drive.
const CONNECTS: [&str; 3] = ["connect", "handshake", "new_connection"];

fn check(code: &Code, found: &mut Findings) {
    let detached = |path: &&Path| path.arguments().is_some_and(|open| is_dropped(code, path.tokens.start, open));
    let tasks: Vec<_> = code.calls(&SPAWNS).filter(detached).collect();
    let is_waited_for = |task: &Path| {
        feeds_what_is_kept(code, task, &tasks)
            || has_upgraded(code, task, &tasks)
            || drives_what_is_kept(code, task, &tasks)
    };
    for path in tasks.iter().filter(|task| !is_waited_for(task)) {
        found.add(
            code,
            path.tokens.start,
            path.tokens.end - 1,
            format!("nobody waits for what `{}` starts: a shutdown cuts it off", path.name),
            "await it, or make it a `#[worker]`, which the drain waits for",
        );
    }
}

/// Whether nothing is done with what a call returns.
fn is_dropped(code: &Code, first: usize, open: usize) -> bool {
    let after = code.after(open);
    if code.is(after, ")") && code.partner(after) + 1 == first {
        // `drop(..)`
        return first >= 2 && code.is_word(first - 2, "drop") && !code.is(first.saturating_sub(3), ".");
    }
    let statement = code.statement(first);
    if !code.is(after, ";") || statement.start == first {
        return code.is(after, ";");
    }
    // `_ = ..`, `let _ = ..`, `let _task: JoinHandle<_> = ..`
    let is_let = code.is_word(statement.start, "let");
    let name = if is_let { statement.start + 1 } else { statement.start };
    let is_bound = code.is(first - 1, "=") && (name + 2 == first || is_let && code.is(name + 1, ":"));
    is_bound && (code.text(name) == "_" || is_let && is_unused(code, code.text(name), statement))
}

/// Whether a name that a `let` binds begins with `_`, and does not come again.
fn is_unused(code: &Code, name: &str, statement: Range<usize>) -> bool {
    name.starts_with('_') && !code.has_word(statement.end..code.block_end(statement.start), &[name])
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

/// Whether the task has the connection of a client that this function uses: it ends with the client.
fn drives_what_is_kept(code: &Code, task: &Path, tasks: &[&Path]) -> bool {
    let task = tokens(code, task);
    let is_kept = |at: &usize| !tasks.iter().any(|task| tokens(code, task).contains(at));
    code.lets().filter(|binding| connects(code, &binding.value)).any(|binding| {
        let after = binding.value.end..code.block_end(binding.at);
        let scope = binding.block.map_or(after, |block| code.inside(block));
        let names = binding.names.iter().map(|name| code.text(*name));
        let (driven, kept): (Vec<_>, Vec<_>) = names.partition(|name| code.has_word(task.clone(), &[*name]));
        scope.contains(&task.start)
            && !driven.is_empty()
            && scope.filter(is_kept).any(|at| code.word(at).is_some_and(|word| kept.contains(&word)))
    })
}

/// Whether a value comes of a `connect` or the like. That of a WebSocket has a response beside it, no connection.
fn connects(code: &Code, value: &Range<usize>) -> bool {
    let is_it = |word: &str| CONNECTS.iter().any(|name| word.strip_prefix(name).is_some_and(is_rest));
    let is_call = |at: usize| code.is(at + 1, "(") || code.is_marks(at + 1, "::") && code.is(at + 3, "<");
    value.clone().any(|at| is_call(at) && code.word(at).is_some_and(is_it))
        && !code.has_word(value.clone(), &["split", "into_split"])
}

/// Whether it is how the name of a function goes on that does the same: `connect_raw`, not `connection`.
fn is_rest(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('_') && !rest.contains("async")
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
    Some(Ends { sender, receiver, scope: statement.end..code.block_end(statement.start) })
}
