//! A request has a largest size.
//!
//! A body that is read without a limit is as large as the client likes. One request, or a few at a time, then takes all
//! the memory that the container may have, and Kubernetes kills it with all the others (OOMKilled).
//!
//! See [Assign memory resources to containers and
//! pods](https://kubernetes.io/docs/tasks/configure-pod-container/assign-memory-resource/).
//!
//! ```wrong
//! use seaworthy::axum::body::{Body, to_bytes};
//!
//! #[handler]
//! async fn upload(body: Body) -> StatusCode {
//!     match to_bytes(body, usize::MAX).await {
//!         Ok(_) => StatusCode::CREATED,
//!         Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
//!     }
//! }
//! ```
//!
//! ```right
//! use seaworthy::axum::body::{Body, to_bytes};
//!
//! #[handler]
//! async fn upload(body: Body) -> StatusCode {
//!     match to_bytes(body, 4 * 1024 * 1024).await {
//!         Ok(_) => StatusCode::CREATED,
//!         Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
//!     }
//! }
//! ```
//!
//! Extractors (`Bytes`, `Json`, `Multipart`) read no more than `REQUEST_BODY_LIMIT`, and a route that takes more has a
//! `DefaultBodyLimit::max(n)` of its own.
//!
//! It sees `usize::MAX` where axum, `http-body-util` or tower-http take a limit, and `DefaultBodyLimit::disable()`
//! where no `RequestBodyLimitLayer` takes its place. It guesses by names, and by an `.await` that the body came from,
//! that it is an answer's, which is no client's to choose. It can't see a number that is too large, a constant, or a
//! stream that is collected by hand.

use std::ops::Range;

use super::{Check, FUNCTIONS, Findings, Level, Rule};
use crate::code::{Code, Path};

pub(super) const RULE: Rule =
    Rule { code: "SW016", name: "unlimited-body", level: Level::Error, check: Check::Everywhere(FUNCTIONS, check) };

const READS: [&str; 3] = ["axum::body::to_bytes", "seaworthy::axum::body::to_bytes", "http_body_util::Limited::new"];

const LAYERS: [&str; 2] =
    ["tower_http::limit::RequestBodyLimitLayer::new", "tower_http::limit::request_body::RequestBodyLimitLayer::new"];

const DEFAULTS: [&str; 2] = ["axum::extract::DefaultBodyLimit::max", "seaworthy::axum::extract::DefaultBodyLimit::max"];

const DISABLES: [&str; 2] =
    ["axum::extract::DefaultBodyLimit::disable", "seaworthy::axum::extract::DefaultBodyLimit::disable"];

const LARGEST: [&str; 3] = ["usize::MAX", "std::usize::MAX", "core::usize::MAX"];

/// How many names a body may have had before.
const STEPS: usize = 4;

/// Words that an answer is known by, and methods that return one.
const ANSWERS: [&str; 9] = ["answer", "call", "oneshot", "reply", "res", "resp", "response", "run", "send"];

fn check(code: &Code, found: &mut Findings) {
    for path in code.calls(&READS).filter(|path| is_unlimited(code, path) && !is_answer(code, path)) {
        add(code, path, "give it the largest size that you expect, in bytes", found);
    }
    for path in code.calls(&LAYERS).chain(code.calls(&DEFAULTS)).filter(|path| is_unlimited(code, path)) {
        add(code, path, "give it the largest size that you expect, in bytes", found);
    }
    if code.calls(&LAYERS).any(|path| !is_unlimited(code, path)) {
        return;
    }
    for path in code.functions(&DISABLES) {
        add(code, path, "write `DefaultBodyLimit::max(n)`, or set `REQUEST_BODY_LIMIT`", found);
    }
}

fn add(code: &Code, path: &Path, help: &str, found: &mut Findings) {
    let shown = path.name.rmatch_indices("::").nth(1).and_then(|(at, _)| path.name.get(at + 2..)).unwrap_or(&path.name);
    let what = format!("with `{shown}` one request can take all memory");
    found.add(code, path.tokens.start, path.tokens.end - 1, what, help);
}

/// Whether an argument is the largest number that there is.
fn is_unlimited(code: &Code, path: &Path) -> bool {
    path.arguments().is_some_and(|open| {
        code.paths().iter().any(|limit| {
            let (first, end) = (limit.tokens.start, limit.tokens.end);
            limit.is_one_of(&LARGEST)
                && code.around(first).next() == Some(open)
                && [",", "("].iter().any(|mark| code.is(first - 1, mark))
                && [",", ")"].iter().any(|mark| code.is(end, mark))
        })
    })
}

/// Whether the body that is read seems to be that of an answer: by a name or an `.await` there, or where it was bound.
fn is_answer(code: &Code, path: &Path) -> bool {
    let Some(open) = path.arguments() else {
        return false;
    };
    let speaks_of = |range: Range<usize>| code.has_word(range.clone(), &ANSWERS) || code.awaits(range).next().is_some();
    if speaks_of(code.inside(open)) {
        return true;
    }
    // `let answer = ask().await; let (parts, body) = answer.into_parts();`
    let (mut name, mut end) = (open + 1, path.tokens.start);
    for _ in 0..STEPS {
        let Some((at, value)) = bound(code, name, end) else {
            return false;
        };
        if speaks_of(at..value.end) {
            return true;
        }
        (name, end) = (value.start, at);
    }
    false
}

/// The last `let` that a token can see and that binds the name there, and what it binds it to.
fn bound(code: &Code, name: usize, seen_from: usize) -> Option<(usize, Range<usize>)> {
    let sees = |block: usize| block < seen_from && seen_from < code.partner(block);
    let lets = code.lets().filter(|binding| binding.names.iter().any(|at| code.text(*at) == code.text(name)));
    let seen = lets.filter(|binding| binding.value.end <= seen_from && code.around(binding.at).next().is_none_or(sees));
    seen.last().map(|binding| (binding.at, binding.value))
}
