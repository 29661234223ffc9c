//! A label of a metric has few values.
//!
//! Each value of a label is a time series of its own, here and in Prometheus, which keeps them in memory for hours.
//! One for each user fills both, pod by pod and rollout by rollout; Kubernetes kills what exceeds its memory, and the
//! metrics are gone when they are needed. Seaworthy stops at a limit: what comes later is counted without its labels.
//!
//! See [Metric cardinality enforcement](https://kubernetes.io/docs/concepts/cluster-administration/system-metrics/#metric-cardinality-enforcement).
//!
//! ```wrong
//! #[handler]
//! async fn buy(Path(user_id): Path<u64>) -> StatusCode {
//!     counter!("orders_total", "user_id" => user_id.to_string()).increment(1);
//!     StatusCode::CREATED
//! }
//! ```
//!
//! ```right
//! #[handler(fields(user.id = user_id))]
//! async fn buy(Path(user_id): Path<u64>) -> StatusCode {
//!     counter!("orders_total", "kind" => "subscription").increment(1);
//!     StatusCode::CREATED
//! }
//! ```
//!
//! It guesses by the label's name in `counter!`, `gauge!` and `histogram!` of `metrics`, also in an array of labels
//! beside them: `id`, `uuid`, `email`, `user`, `username`, `path`, `url`, `uri`, `query`, `ip`, `address`, `session`,
//! `token`, `timestamp`, or one that ends with `_id`, say. Ids of what is few (`shard_id`, `topic_id`, `tenant`), a
//! text in quotes, and a `path` beside `MatchedPath` or far from any `uri` are well. It can't see labels that come
//! from elsewhere, or whether a `kind` is whatever a client sends.

use std::ops::Range;

use super::{Check, FUNCTIONS, Findings, Level, Rule, secret_in_telemetry::is_of_crate};
use crate::code::{Code, Kind};

pub(super) const RULE: Rule =
    Rule { code: "SW027", name: "metric-cardinality", level: Level::Error, check: Check::Everywhere(FUNCTIONS, check) };

const METRICS: [&str; 3] = ["counter", "gauge", "histogram"];
const CRATES: [&str; 2] = ["metrics", "seaworthy"];

/// What has no end of values, alone or behind another word: `email`, `user_email`.
const ENDLESS: [&str; 8] = ["email", "id", "timestamp", "uri", "url", "username", "uuid", "ip"];
/// Only alone: a `db_user` is one of few, and so is a `log_path`.
const ENDLESS_ALONE: [&str; 8] = ["address", "path", "query", "remote_addr", "session", "token", "user", "user_agent"];

/// Of these there are few.
const FEW: [&str; 26] = [
    "chain",
    "class",
    "cluster",
    "consumer",
    "index",
    "instance",
    "kind",
    "label",
    "matched",
    "model",
    "network",
    "node",
    "partition",
    "pattern",
    "pool",
    "queue",
    "region",
    "replica",
    "route",
    "shard",
    "slot",
    "template",
    "tenant",
    "thread",
    "type",
    "worker",
];

/// Of these too, and a value may still come from one: `app.email()`.
const FEW_THINGS: [&str; 14] = [
    "app", "backend", "broker", "core", "cpu", "disk", "gpu", "group", "plan", "provider", "service", "topic",
    "upstream", "zone",
];

/// Where the path is that of a route, and where it is whatever a client asks for.
const ROUTES: [&str; 2] = ["MatchedPath", "matched_path"];
const REQUESTED: [&str; 3] = ["OriginalUri", "Uri", "uri"];

fn check(code: &Code, found: &mut Findings) {
    for (label, value) in labels(code) {
        let Some(name) = code.string(label) else { continue };
        if is_endless(name) && !is_known(code, name, value) {
            let what = format!("`{name}` has no end of values, and each is a series that stays in memory");
            let help = format!("take the label out, and put `{name}` into a span or the log");
            found.add(code, label, label, what, help);
        }
    }
}

/// The labels in `counter!("orders_total", "kind" => kind)`, each with its value, and in a `[("kind", kind)]` that is
/// named there.
pub(super) fn labels(code: &Code) -> Vec<(usize, Range<usize>)> {
    let mut labels = Vec::new();
    for path in code.macros(&METRICS).filter(|path| is_of_crate(code, path, &CRATES)) {
        let Some(open) = path.arguments() else { continue };
        for part in code.parts(code.inside(open)) {
            if code.kind(part.start) == Some(Kind::Text) && code.is_marks(part.start + 1, "=>") {
                labels.push((part.start, part.start + 3..part.end));
            } else if let Some(array) = array(code, part) {
                labels.extend(code.parts(code.inside(array)).into_iter().filter_map(|pair| label(code, pair.start)));
            }
        }
    }
    // Two macros may take one array.
    labels.sort_by_key(|(label, _)| *label);
    labels.dedup_by_key(|(label, _)| *label);
    labels
}

/// The bracket of `let labels = [..]`, where a macro takes `&labels`.
fn array(code: &Code, part: Range<usize>) -> Option<usize> {
    let name = if code.is(part.start, "&") { part.start + 1 } else { part.start };
    let name = code.word(name).filter(|_| name + 1 == part.end)?;
    let is_declared = |at: &usize| code.is_word(*at, "let") && code.is_word(at + 1, name) && code.is(at + 2, "=");
    (0..part.start).rev().find(is_declared).map(|at| at + 3).filter(|open| code.is(*open, "["))
}

/// `("kind", kind)`
fn label(code: &Code, open: usize) -> Option<(usize, Range<usize>)> {
    let is_pair = code.is(open, "(") && code.kind(open + 1) == Some(Kind::Text) && code.is(open + 2, ",");
    is_pair.then(|| (open + 1, open + 3..code.partner(open)))
}

fn is_endless(label: &str) -> bool {
    let label = label.to_lowercase().replace(['.', '-'], "_");
    let last = label.rsplit('_').next().unwrap_or_default();
    let is_endless = ENDLESS.contains(&last) || ENDLESS_ALONE.contains(&label.as_str());
    is_endless && !label.split('_').any(|word| FEW.contains(&word) || FEW_THINGS.contains(&word))
}

/// Whether a value is one of few: it is written there, or named so.
fn is_known(code: &Code, label: &str, value: Range<usize>) -> bool {
    let is_text = value.len() == 1 && matches!(code.kind(value.start), Some(Kind::Text | Kind::Number));
    let speaks_of = |words: &[&str]| code.has_word(0..code.len(), words);
    // A path that nobody takes from a request is one of a list.
    let is_route = label.ends_with("path") && (speaks_of(&ROUTES) || !speaks_of(&REQUESTED));
    let is_constant = |word: &str| !word.contains(|c: char| c.is_lowercase());
    let is_name = |word: &str| label == "query" && word.ends_with("name");
    let mut words = value.filter_map(|at| code.word(at));
    is_text
        || is_route
        || words.any(|word| {
            is_constant(word) || is_name(word) || word.to_lowercase().split('_').any(|word| FEW.contains(&word))
        })
}
