//! A service writes to its log, not to its output.
//!
//! The container runtime takes every line of the output for a line of the log. One that was printed is no JSON, has no
//! level and no trace id, and is not found when it is looked for; and `println!` waits, with a thread of the runtime,
//! while the pipe is full. An event goes with the span around it, and never waits.
//!
//! See [Logging architecture](https://kubernetes.io/docs/concepts/cluster-administration/logging/).
//!
//! ```wrong
//! #[handler]
//! async fn order() -> StatusCode {
//!     println!("an order came in");
//!     StatusCode::ACCEPTED
//! }
//! ```
//!
//! ```right
//! #[handler]
//! async fn order() -> StatusCode {
//!     tracing::info!("an order came in");
//!     StatusCode::ACCEPTED
//! }
//! ```
//!
//! It can't see what is written to `std::io::stdout()`, or what other functions print: a command of the same program
//! may well do so.

use super::{Annotated, Check, Findings, Level, Rule};

pub(super) const RULE: Rule = Rule {
    code: "SW014",
    name: "print",
    level: Level::Error,
    check: Check::Function(&["cloud_service", "handler", "health", "ready", "worker"], check),
};

/// What prints, and what to write instead.
const PRINTS: [(&str, &str); 5] = [
    ("print", "write `seaworthy::tracing::info!(..)`"),
    ("println", "write `seaworthy::tracing::info!(..)`"),
    ("eprint", "write `seaworthy::tracing::warn!(..)`"),
    ("eprintln", "write `seaworthy::tracing::warn!(..)`"),
    // What it returns may be used.
    ("dbg", "remove it, or log the value on a line of its own"),
];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    for path in code.paths().iter().filter(|path| path.is_macro()) {
        let name = path.name.strip_prefix("std::").unwrap_or(&path.name);
        if let Some((_, help)) = PRINTS.iter().find(|(print, _)| *print == name) {
            let what = format!("`{name}!` writes a line that is no log record: no JSON, no trace id");
            found.add(code, path.tokens.start, path.tokens.end, what, help);
        }
    }
}
