//! A worker ends when the service does.
//!
//! A pod that is taken down gets SIGTERM and a grace. The drain waits for workers as it waits for requests: one that
//! goes on for ever holds up every rollout until it is cut, at any point of what it does, and if that was half of two
//! writes, it stays half.
//!
//! See [Pod termination](https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination).
//!
//! ```wrong
//! #[worker]
//! async fn sweep() {
//!     loop {
//!         tokio::time::sleep(Duration::from_secs(60)).await;
//!         remove_expired().await;
//!     }
//! }
//! ```
//!
//! ```right
//! #[worker]
//! async fn sweep(mut shutdown: Shutdown) {
//!     loop {
//!         tokio::select! {
//!             () = &mut shutdown => return,
//!             () = tokio::time::sleep(Duration::from_secs(60)) => remove_expired().await,
//!         }
//!     }
//! }
//! ```
//!
//! It sees a `loop` or a `while true` that waits, without any `break`, `return` or `?`, in a function that doesn't use
//! its `Shutdown` and has no other word for the end: one with `shutdown` in it, or those of a `CancellationToken`
//! (`cancelled()`, `cancel_token`). It can't see a loop in another function, and whether a stream or a channel
//! (`while let Some(..)`) ends.

use super::{Annotated, Check, Findings, Level, Rule, parameters::Parameter};
use crate::code::{Code, Loop};

pub(super) const RULE: Rule = Rule {
    code: "SW021",
    name: "worker-ignores-shutdown",
    level: Level::Error,
    check: Check::Function(&["worker"], check),
};

/// What may leave a loop.
const LEAVES: [&str; 6] = ["return", "bail", "ensure", "exit", "panic", "unreachable"];

/// Another way to be told of the end, in lower case.
const ENDS: [&str; 9] = [
    "cancel_token",
    "cancellation",
    "cancellation_token",
    "cancellationtoken",
    "cancelled",
    "cancelled_owned",
    "is_cancelled",
    "run_until_cancelled",
    "run_until_cancelled_owned",
];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    let parameters = annotated.parameters();
    let shutdown = parameters.iter().find(|parameter| parameter.kind == "Shutdown");
    let names: Vec<&str> = shutdown.iter().flat_map(|shutdown| &shutdown.names).map(String::as_str).collect();
    if code.has_word(code.body(), &names) || code.body().filter_map(|at| code.word(at)).any(speaks_of_end) {
        return;
    }
    for endless in code.loops().filter(|it| is_endless(code, it) && code.waits(code.inside(it.open)).next().is_some()) {
        if !can_end(code, &endless) && !is_cut(code, &endless) {
            let what = "this loop has no end: the drain waits for it until it is cut";
            found.add(code, endless.at, endless.open - 1, what, help(annotated, shutdown));
        }
    }
}

fn speaks_of_end(word: &str) -> bool {
    let word = word.to_lowercase();
    word.contains("shutdown") || ENDS.contains(&word.as_str())
}

/// What to write, by what the function has of it.
fn help(annotated: &Annotated<'_>, shutdown: Option<&Parameter<'_>>) -> String {
    let Some(shutdown) = shutdown else {
        return "take `mut shutdown: Shutdown`, and return in a `tokio::select!` with it".to_owned();
    };
    let code = &annotated.code;
    let returns_nothing = annotated.function.output().to_string() == "()";
    let ends = if returns_nothing { "return" } else { "return Ok(())" };
    let Some(name) = shutdown.names.first().filter(|name| !name.starts_with('_')) else {
        return format!("name it `mut shutdown`, and select `() = &mut shutdown => {ends}`");
    };
    let mut bindings = (0..code.body().start).filter(|at| code.is_word(*at, name));
    if bindings.any(|at| code.is_word(at.saturating_sub(1), "mut")) {
        format!("write `() = &mut {name} => {ends}` in a `tokio::select!`")
    } else {
        format!("write `mut {name}`, and select `() = &mut {name} => {ends}`")
    }
}

fn is_endless(code: &Code, it: &Loop) -> bool {
    code.is_word(it.at, "loop")
        || code.is_word(it.at, "while") && code.is_word(it.at + 1, "true") && it.open == it.at + 2
}

/// Whether the loop is in a block of its own, which something else may end.
fn is_cut(code: &Code, it: &Loop) -> bool {
    let cuts = ["select", "spawn", "timeout", "abort", "race", "run_until", "abortable"];
    code.is_deferred(it.at, code.body().start.saturating_sub(1)) && code.has_word(code.body(), &cuts)
}

fn can_end(code: &Code, it: &Loop) -> bool {
    let body = code.inside(it.open);
    code.has_word(body.clone(), &LEAVES)
        || body.clone().any(|at| code.is(at, "?"))
        || body.into_iter().any(|at| code.is_word(at, "break") && leaves(code, at, it))
}

/// Whether a `break` leaves this loop, not one inside of it.
fn leaves(code: &Code, at: usize, it: &Loop) -> bool {
    let is_labelled = code.kind(at + 1) == Some(crate::code::Kind::Lifetime);
    let inner = |open: usize| open > it.open && code.loops().any(|other| other.open == open);
    is_labelled || !code.around(at).any(inner)
}
