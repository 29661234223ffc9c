//! A queue has an end.
//!
//! When what takes from a channel is slower than what puts into it, for a minute is enough, a channel without a bound
//! grows until the container has more memory than its limit: Kubernetes kills it (OOMKilled), with all that is queued
//! and all requests in flight. A bound tells the caller, while the pod lives.
//!
//! See [Resource management for pods and
//! containers](https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/).
//!
//! ```wrong
//! fn queue() -> Queue {
//!     let (orders, waiting) = tokio::sync::mpsc::unbounded_channel();
//!     Queue { orders, waiting }
//! }
//! ```
//!
//! ```right
//! fn queue() -> Queue {
//!     let (orders, waiting) = tokio::sync::mpsc::channel(100);
//!     Queue { orders, waiting }
//! }
//! ```
//!
//! A handler answers 503 where `try_send` says that it is full, or waits with `send(..).await`.
//!
//! It sees the channels of tokio, std, futures, flume, crossbeam, async-channel and kanal, but for those of `()` and
//! those that one value is received from. It can't see how much is put in: allow it where something else bounds that. A
//! `Vec` that grows is not seen.

use super::{Check, FUNCTIONS, Findings, Level, Rule};
use crate::code::{Code, Path};

pub(super) const RULE: Rule =
    Rule { code: "SW015", name: "unbounded-channel", level: Level::Error, check: Check::Everywhere(FUNCTIONS, check) };

/// What makes a channel without a bound, and what makes one with it.
const CHANNELS: [(&str, &str); 10] = [
    ("tokio::sync::mpsc::unbounded_channel", "mpsc::channel(n)"),
    ("std::sync::mpsc::channel", "mpsc::sync_channel(n)"),
    ("futures::channel::mpsc::unbounded", "mpsc::channel(n)"),
    ("futures_channel::mpsc::unbounded", "mpsc::channel(n)"),
    ("flume::unbounded", "bounded(n)"),
    ("crossbeam_channel::unbounded", "bounded(n)"),
    ("crossbeam::channel::unbounded", "bounded(n)"),
    ("async_channel::unbounded", "bounded(n)"),
    ("kanal::unbounded", "bounded(n)"),
    ("kanal::unbounded_async", "bounded_async(n)"),
];

fn check(code: &Code, found: &mut Findings) {
    for (unbounded, bounded) in CHANNELS {
        for path in code.functions(&[unbounded]).filter(|path| !is_signal(code, path) && !is_received_once(code, path))
        {
            let what = format!("`{}` grows until the pod is OOMKilled", path.name);
            let help = format!("write `{bounded}`, and decide what happens when it is full");
            found.add(code, path.tokens.start, path.tokens.end - 1, what, help);
        }
    }
}

/// Whether what is sent has no size: `unbounded_channel::<()>()`, `let (_, b): (Sender<()>, _) = channel()`.
fn is_signal(code: &Code, path: &Path) -> bool {
    let statement = code.statement(path.tokens.start);
    let mut declared = statement.start.min(path.tokens.start)..path.tokens.end;
    declared.any(|at| code.is(at, "<") && code.is(at + 1, "(") && code.is(at + 2, ")") && code.is(at + 3, ">"))
}

/// Whether the receiver is bound to a name that is used once, to receive once: there is one value to wait for.
fn is_received_once(code: &Code, path: &Path) -> bool {
    let statement = code.statement(path.tokens.start);
    let pair = statement.start + 1;
    if !code.is_word(statement.start, "let") || !code.is(pair, "(") {
        return false;
    }
    // `(a, b)`, `(a, mut b)`, `(a, b,)`
    let receiver = code.inside(pair).rev().find(|at| code.word(*at).is_some());
    let Some(name) = receiver.and_then(|at| code.word(at)) else {
        return false;
    };
    let block = code.around(statement.start).next();
    let end = code.block_end(statement.start);
    let mut uses = (statement.end..end).filter(|at| code.is_word(*at, name) && !code.is(at.saturating_sub(1), "."));
    let (Some(used), None) = (uses.next(), uses.next()) else {
        return false;
    };
    let receives = ["recv", "recv_timeout", "try_recv"].iter().any(|method| code.is_word(used + 2, method));
    let is_repeated = |open: usize| {
        let statement = code.statement(open);
        code.has_word(statement.start..open, &["for", "loop", "while"])
    };
    let mut inside = code.around(used).take_while(|open| Some(*open) != block);
    let in_condition = code.has_word(code.statement(used).start..used, &["for", "loop", "while"]);
    code.is(used + 1, ".") && receives && !in_condition && !inside.any(is_repeated)
}
