//! A secret is no part of what a service says of itself.
//!
//! Spans, logs and metrics leave the pod: the node's agent sends them to stores which more people can read than the
//! cluster's Secrets, which keep them for weeks, and from which nothing is easily taken out. A secret that was in them
//! once has to be rotated.
//!
//! See [Good practices for Kubernetes Secrets](https://kubernetes.io/docs/concepts/security/secrets-good-practices/).
//!
//! ```wrong
//! #[handler(fields(user.password = password))]
//! async fn log_in(Path((name, password)): Path<(String, String)>) -> StatusCode {
//!     tracing::info!(%name, %password, "logs in");
//!     StatusCode::OK
//! }
//! ```
//!
//! ```right
//! #[handler(fields(user.name = name))]
//! async fn log_in(Path((name, password)): Path<(String, String)>) -> StatusCode {
//!     tracing::info!(has_password = !password.is_empty(), "logs in");
//!     StatusCode::OK
//! }
//! ```
//!
//! It looks into `fields(..)`, the macros of `tracing`, `log` and `metrics`, and `record("password", ..)` of a span.
//! There it sees what `expose()` gives, and guesses by the names of fields and values, as SW006 does, and by
//! `authorization`, `cookie` and `jwt`. What a function makes of a secret (`mask(&token)`, `token.len()`) is none to
//! it, nor is a `page_token`, a `token` beside an `amount`, or a variable `secret` or `authorization`, which may be an
//! object of Kubernetes or a decision. It can't see a secret of another name, one inside a struct that is recorded by
//! `Debug`, or that `?password` is a `Secret`, which would be no more than `***`.

use std::ops::Range;

use super::{Annotated, Check, FUNCTIONS, Findings, Level, Rule, metric_cardinality, plain_secret};
use crate::code::{Code, Kind, Path};

pub(super) const RULE: Rule =
    Rule { code: "SW026", name: "secret-in-telemetry", level: Level::Error, check: Check::Function(FUNCTIONS, check) };

/// What writes to the log or opens a span, and where it comes from.
const RECORDS: [&str; 13] = [
    "debug",
    "debug_span",
    "error",
    "error_span",
    "event",
    "info",
    "info_span",
    "log",
    "span",
    "trace",
    "trace_span",
    "warn",
    "warn_span",
];
const CRATES: [&str; 3] = ["log", "seaworthy", "tracing"];

/// Secrets of requests, beside those that a configuration has.
const OF_REQUESTS: [&str; 3] = ["authorization", "cookie", "jwt"];

/// Words of a name that is that of a yes or no.
const YES_OR_NO: [&str; 8] = ["has", "invalid", "is", "missing", "needs", "no", "requires", "without"];

/// Words beside which a `token` is no secret: it says where something goes on, who may write, or is a piece of a text.
const OF_TOKENS: [&str; 27] = [
    "bos",
    "cancel",
    "cancellation",
    "checkpoint",
    "continuation",
    "cursor",
    "eos",
    "fence",
    "fencing",
    "first",
    "idempotency",
    "last",
    "lease",
    "max",
    "next",
    "pad",
    "page",
    "pagination",
    "paging",
    "per",
    "position",
    "resume",
    "sequence",
    "shutdown",
    "stop",
    "sync",
    "watermark",
];

/// Names that a field of Kubernetes or of a parser has too: the value has to be called a secret as well.
const VAGUE: [&str; 3] = ["authorization", "secret", "token"];

/// What a value alone may be called that is none: a decision, and an object of Kubernetes.
const VAGUE_ALONE: [&str; 2] = ["authorization", "secret"];

/// What a value is called that only speaks of a secret: `secret = %secret_name`.
const SPEAKS_OF: [&str; 21] = [
    "count",
    "digest",
    "err",
    "error",
    "expires",
    "expiry",
    "file",
    "fingerprint",
    "hash",
    "hint",
    "id",
    "kind",
    "len",
    "masked",
    "name",
    "path",
    "prefix",
    "redacted",
    "state",
    "status",
    "type",
];

/// Words beside which a `token` is money, or a piece of a text.
const OTHER_TOKENS: [&str; 9] = ["Address", "Lexer", "Pubkey", "U256", "amount", "decimals", "lexer", "mint", "ticker"];

/// Methods after which it is still all there.
const SHOWS: [&str; 15] = [
    "as_bytes",
    "as_deref",
    "as_ref",
    "as_str",
    "borrow",
    "clone",
    "deref",
    "expect",
    "into_inner",
    "to_owned",
    "to_str",
    "to_string",
    "unwrap",
    "unwrap_or_default",
    "value",
];

const EXPOSES: [&str; 2] = ["expose", "expose_secret"];

const HELP: &str = "leave it out, or record an id in its place";

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let (code, arguments) = (&annotated.code, &annotated.arguments);
    let fields = (0..arguments.len()).find(|at| arguments.is_word(*at, "fields") && arguments.is(at + 1, "("));
    if let Some(fields) = fields {
        let inside = arguments.inside(fields + 1);
        for leak in by_name(arguments, inside.clone()).into_iter().chain(exposed(arguments, inside)) {
            found.push(arguments.at(leak.first, leak.last), usize::MAX, leak.what("traces"), HELP);
        }
    }
    for path in code.macros(&RECORDS).filter(|path| is_of_crate(code, path, &CRATES)) {
        let Some(open) = path.arguments() else { continue };
        let place = if path.last_name().ends_with("span") { "traces" } else { "logs" };
        let inside = code.inside(open);
        for leak in by_name(code, inside.clone()).into_iter().chain(exposed(code, inside)) {
            leak.add(code, place, found);
        }
    }
    for (label, value) in metric_cardinality::labels(code) {
        let leak = named(code, label..label + 1, value.clone()).into_iter().chain(exposed(code, value)).next();
        leak.into_iter().for_each(|leak| leak.add(code, "metrics", found));
    }
    for method in code.methods_named(&["record"]) {
        let inside = code.inside(method.arguments);
        if let [name, value] = code.parts(inside).as_slice()
            && code.string(name.start).is_some()
        {
            let leak = named(code, name.clone(), value.clone()).into_iter().chain(exposed(code, value.clone())).next();
            leak.into_iter().for_each(|leak| leak.add(code, "traces", found));
        }
    }
}

/// Whether a macro is one of these crates', as far as can be known.
pub(super) fn is_of_crate(code: &Code, path: &Path, crates: &[&str]) -> bool {
    match path.name.split_once("::") {
        Some((first, _)) => crates.contains(&first),
        None => !(0..code.len()).any(|at| code.is_word(at, "macro_rules") && code.is_word(at + 2, &path.name)),
    }
}

/// A secret that is recorded.
struct Leak {
    first: usize,
    last: usize,
    name: String,
}

impl Leak {
    fn what(&self, place: &str) -> String {
        format!("`{}` is a secret, and the {place} would show it", self.name)
    }

    fn add(&self, code: &Code, place: &str, found: &mut Findings) {
        found.add(code, self.first, self.last, self.what(place), HELP);
    }
}

/// What is called a secret in `%password`, `user.password = p`, `"{password}"`, `"{}", password`.
fn by_name(code: &Code, inside: Range<usize>) -> Vec<Leak> {
    let mut leaks = Vec::new();
    for part in code.parts(inside) {
        let is_whole = |open: &str| code.is(part.start, open) && code.after(part.start) == part.end;
        if is_whole("{") {
            leaks.extend(by_name(code, code.inside(part.start)));
        } else if part.len() == 1 && code.kind(part.start) == Some(Kind::Text) {
            leaks.extend(captured(code, part.start));
        } else if let Some(equals) = equals(code, part.clone()) {
            leaks.extend(named(code, part.start..equals, equals + 1..part.end));
        } else if let Some(at) = shown(code, part.clone())
            && is_secret_value(code, at)
        {
            leaks.push(Leak { first: part.start, last: part.end - 1, name: code.text(at).to_owned() });
        }
    }
    leaks
}

/// The `=` after the name of a field.
fn equals(code: &Code, part: Range<usize>) -> Option<usize> {
    let is_name =
        |at: &usize| matches!(code.kind(*at), Some(Kind::Word | Kind::Text)) || code.is(*at, ".") || code.is(*at, "-");
    let at = part.clone().find(|at| !is_name(at))?;
    (at > part.start && code.is(at, "=") && !code.is_marks(at, "==") && !code.is_marks(at, "=>")).then_some(at)
}

/// A field whose name or value is called a secret.
fn named(code: &Code, name: Range<usize>, value: Range<usize>) -> Option<Leak> {
    let field: String = name.clone().map(|at| code.string(at).unwrap_or(code.text(at))).collect();
    let at = shown(code, value)?;
    let value = code.text(at);
    let is_called = is_secret(code, &field);
    let is_leak = if is_secret_value(code, at) {
        true
    } else {
        let speaks = words(value).last().is_some_and(|word| SPEAKS_OF.contains(&word));
        let is_variable = value.starts_with(|c: char| c.is_lowercase() || c == '_');
        is_called && !VAGUE.iter().any(|vague| field.rsplit('.').next() == Some(vague)) && !speaks && is_variable
    };
    is_leak.then(|| Leak {
        first: name.start,
        last: name.end - 1,
        name: if is_called { field } else { value.to_owned() },
    })
}

/// What a text captures: `"{password:?}"`.
fn captured(code: &Code, at: usize) -> Option<Leak> {
    let text = code.string(at)?.replace("{{", "");
    let mut names = text.split('{').skip(1).filter_map(|rest| rest.split(['}', ':']).next());
    let name = names.find(|name| is_secret(code, name) && !VAGUE_ALONE.contains(name))?;
    Some(Leak { first: at, last: at, name: name.to_owned() })
}

/// The name of a value that is shown as it is: `password` of `%form.password.as_str()`.
fn shown(code: &Code, value: Range<usize>) -> Option<usize> {
    let is_sigil = |at: &usize| ["%", "?", "&", "*"].iter().any(|sigil| code.is(*at, sigil));
    let mut name = value.clone().find(|at| !is_sigil(at))?;
    code.word(name)?;
    while code.is_marks(name + 1, "::") && code.word(name + 3).is_some() {
        name += 3;
    }
    let mut at = name + 1;
    if code.is(at, "(") {
        let is_shown = matches!(code.text(name), "debug" | "display") && code.after(at) == value.end;
        return if is_shown { shown(code, code.inside(at)) } else { None };
    }
    while at < value.end {
        if code.is(at, "?") {
            at += 1;
        } else if !code.is(at, ".") {
            return None;
        } else if code.is(at + 2, "(") {
            if !SHOWS.contains(&code.text(at + 1)) {
                return None;
            }
            at = code.after(at + 2);
        } else {
            if code.word(at + 1).is_some_and(|word| word != "await") {
                name = at + 1;
            }
            at += 2;
        }
    }
    Some(name)
}

/// What `expose()` gives, where nothing else is made of it.
fn exposed(code: &Code, inside: Range<usize>) -> Vec<Leak> {
    let mut leaks = Vec::new();
    for method in code.methods_named(&EXPOSES).filter(|method| inside.contains(&method.name)) {
        let is_passed_on = |open: usize| {
            let before = open.saturating_sub(1);
            code.is(open, "(") && (code.is(before, "!") || matches!(code.text(before), "debug" | "display"))
        };
        let is_used = code.around(method.name).take_while(|open| inside.contains(open)).any(|open| !is_passed_on(open));
        let mut end = code.after(method.arguments);
        while code.is(end, "?") || (code.is(end, ".") && SHOWS.contains(&code.text(end + 1)) && code.is(end + 2, "(")) {
            end = if code.is(end, "?") { end + 1 } else { code.after(end + 2) };
        }
        if !is_used && (end >= inside.end || code.is(end, ",") || code.kind(end) == Some(Kind::Close)) {
            let name = method.name.saturating_sub(2);
            let shown = if code.word(name).is_some() { code.text(name) } else { "expose()" };
            leaks.push(Leak { first: name, last: method.arguments + 1, name: shown.to_owned() });
        }
    }
    leaks
}

/// Whether the value that has its name there is probably a secret: `config.secret` is, and a `secret` alone may not be.
fn is_secret_value(code: &Code, at: usize) -> bool {
    let is_alone = !code.is(at.saturating_sub(1), ".") && VAGUE_ALONE.contains(&code.text(at));
    !is_alone && is_secret(code, code.text(at))
}

/// Whether what is recorded by this name is probably a secret.
fn is_secret(code: &Code, name: &str) -> bool {
    let last = words(name).last().unwrap_or_default();
    let is_secret = plain_secret::is_secret(name) || OF_REQUESTS.contains(&last.to_lowercase().as_str());
    let is_constant = !name.contains(|c: char| c.is_lowercase());
    let has = |others: &[&str]| words(name).any(|word| others.contains(&word));
    let is_other = || {
        last == "token" && has(&OF_TOKENS)
            || name.rsplit('.').next() == Some("token") && code.has_word(0..code.len(), &OTHER_TOKENS)
    };
    is_secret && !is_constant && !has(&YES_OR_NO) && !is_other()
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(['_', '.', '-'])
}
