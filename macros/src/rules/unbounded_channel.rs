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
//! It sees the channels of tokio, std, futures, flume, crossbeam, async-channel and kanal. It can't see how much is put
//! in: allow it where that is bounded by something else. A `Vec` that grows is not seen.

use super::{Check, Findings, Level, Rule};
use crate::code::Code;

pub(super) const RULE: Rule = Rule {
    code: "SW015",
    name: "unbounded-channel",
    level: Level::Error,
    check: Check::Everywhere(&["cloud_service", "handler", "health", "ready", "worker"], check),
};

/// What makes a channel without a bound, and what makes one with it.
const CHANNELS: [(&str, &str); 10] = [
    ("tokio::sync::mpsc::unbounded_channel", "tokio::sync::mpsc::channel(n)"),
    ("std::sync::mpsc::channel", "std::sync::mpsc::sync_channel(n)"),
    ("futures::channel::mpsc::unbounded", "futures::channel::mpsc::channel(n)"),
    ("futures_channel::mpsc::unbounded", "futures_channel::mpsc::channel(n)"),
    ("flume::unbounded", "flume::bounded(n)"),
    ("crossbeam_channel::unbounded", "crossbeam_channel::bounded(n)"),
    ("crossbeam::channel::unbounded", "crossbeam::channel::bounded(n)"),
    ("async_channel::unbounded", "async_channel::bounded(n)"),
    ("kanal::unbounded", "kanal::bounded(n)"),
    ("kanal::unbounded_async", "kanal::bounded_async(n)"),
];

fn check(code: &Code, found: &mut Findings) {
    for (unbounded, bounded) in CHANNELS {
        for path in code.functions(&[unbounded]) {
            let what = format!("`{}` grows until the pod is OOMKilled", path.name);
            let help = format!("write `{bounded}`, and answer 503 when it is full");
            found.add(code, path.tokens.start, path.tokens.end - 1, what, help);
        }
    }
}
