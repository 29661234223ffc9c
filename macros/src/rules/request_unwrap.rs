//! What a client sends is checked, not unwrapped.
//!
//! A request that isn't as expected is the client's mistake and answered with a 400. A panic is a 500 with a stack in
//! the log: whoever can send requests writes the log, raises the rate of errors that alerts and rollouts look at, and
//! poisons what was locked.
//!
//! See [400 Bad Request](https://www.rfc-editor.org/rfc/rfc9110.html#name-400-bad-request).
//!
//! ```wrong
//! #[handler]
//! async fn page(Query(query): Query<HashMap<String, String>>) -> String {
//!     let page: u32 = query.get("page").unwrap().parse().unwrap();
//!     format!("page {page}")
//! }
//! ```
//!
//! ```right
//! #[handler]
//! async fn page(Query(query): Query<HashMap<String, String>>) -> Result<String, StatusCode> {
//!     let page: Option<u32> = query.get("page").and_then(|page| page.parse().ok());
//!     let page = page.ok_or(StatusCode::BAD_REQUEST)?;
//!     Ok(format!("page {page}"))
//! }
//! ```
//!
//! Better still: give the parameter the type that it is parsed to, and the extractor answers.
//!
//! It sees `unwrap` and `expect` of what begins with a parameter that is an extractor of axum's (`Path`, `Query`,
//! `Json`, `HeaderMap`, `Bytes`, `Multipart` .., or of a name that ends so), of `from_str` and the like of one, and a
//! text in brackets after a map. It is silent where the same parameter is asked before (`contains_key`, `is_some`), about
//! what others answer (`order.insert(&db).await`), and about the text of a `Path` of numbers. It can't see other
//! extractors, and a value that was given another name.

use quote::ToTokens;

use super::{Annotated, Check, Findings, Level, Rule, parameters::Parameter};
use crate::{
    code::{Code, Kind, Link},
    function::words,
};

pub(super) const RULE: Rule =
    Rule { code: "SW020", name: "request-unwrap", level: Level::Error, check: Check::Function(&["handler"], check) };

/// The extractors of what a client sends.
const EXTRACTORS: [&str; 25] = [
    "Body",
    "Bytes",
    "Cached",
    "CookieJar",
    "Cookies",
    "Form",
    "HeaderMap",
    "Host",
    "Json",
    "JsonDeserializer",
    "Method",
    "Multipart",
    "OptionalPath",
    "OptionalQuery",
    "OriginalUri",
    "Parts",
    "Path",
    "Query",
    "RawForm",
    "RawPathParams",
    "RawQuery",
    "Request",
    "String",
    "TypedHeader",
    "Uri",
];

/// Functions that read what they are given.
const READERS: [&str; 8] = [
    "from_str",
    "from_slice",
    "from_utf8",
    "from_bytes",
    "parse_str",
    "parse_from_rfc3339",
    "parse_from_str",
    "from_reader",
];

/// Maps that panic where a name is not in them.
const MAPS: [&str; 4] = ["HashMap", "BTreeMap", "IndexMap", "HeaderMap"];

/// What waits for the rest of a request, rather than for others.
const REST: [&str; 7] = ["bytes", "chunk", "collect", "extract", "json", "next_field", "text"];

/// What stands in the type of a `Path` of values whose text can't be wrong.
const PLAIN: [&str; 21] = [
    "Path",
    "Uuid",
    "axum",
    "bool",
    "extract",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "seaworthy",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "uuid",
];

/// What somebody asks before it is unwrapped.
const ASKS: [&str; 8] = ["contains_key", "is_some", "is_ok", "is_none", "is_err", "is_empty", "len", "validate"];

/// Whether a parameter is what a client sends: an extractor of axum's, or one of a name like theirs (`ValidJson`).
pub(super) fn is_of_request(parameter: &Parameter<'_>) -> bool {
    let endings = ["Json", "Query", "Form", "Path", "Params", "Headers"];
    EXTRACTORS.contains(&&*parameter.kind) || endings.iter().any(|ending| parameter.kind.ends_with(ending))
}

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    let may_panic = code.methods_named(&["unwrap", "expect"]).next().is_some() || code.each_mark(b'[').next().is_some();
    if !may_panic {
        return;
    }
    let lets: Vec<_> =
        code.lets().flat_map(|binding| binding.names.into_iter().map(move |name| (name, binding.value.end))).collect();
    for parameter in annotated.parameters() {
        if is_of_request(&parameter) {
            for name in &parameter.names {
                check_parameter(code, &lets, &parameter, name, found);
            }
        }
    }
}

fn check_parameter(code: &Code, lets: &[(usize, usize)], parameter: &Parameter<'_>, name: &str, found: &mut Findings) {
    let is_plain = is_plain(parameter);
    let body = code.body();
    let mut end = body.end;
    for at in body {
        if at >= end || asks(code, name, at) {
            return;
        }
        if code.word(at) != Some(name) || code.is(at - 1, ".") || code.is_marks(at - 2, "::") {
            continue;
        }
        if let Some(from) = bound_again(code, lets, at) {
            end = end.min(from);
            continue;
        }
        if is_plain && code.links(at + 1).any(|link| code.is_word(link.at, "to_string")) {
            continue;
        }
        if is_map(parameter) && code.is(at + 1, "[") && code.kind(at + 2) == Some(Kind::Text) && code.is(at + 3, "]") {
            let what = format!("this panics where a request has no {} in `{name}`", code.text(at + 2));
            let help = format!("write `{name}.get({})`, and answer 400 where it is `None`", code.text(at + 2));
            found.add(code, at, at + 3, what, help);
        } else if let Some(link) = unwraps(code, at + 1).or_else(|| unwraps(code, reader(code, at)?)) {
            let method = code.text(link.at);
            let what = format!("this `{method}` panics on a request that isn't as expected");
            let help = "answer 400: `.ok_or(StatusCode::BAD_REQUEST)?`, or `.map_err(|_| ..)?`,\n\
                        help: in a function that returns `Result<_, StatusCode>`";
            found.add(code, link.at, link.at, what, help);
        }
    }
}

/// Whether the type of a parameter is a map, or an extractor of one.
fn is_map(parameter: &Parameter<'_>) -> bool {
    let types = type_words(parameter).filter(|word| word.starts_with(char::is_uppercase) && word != "Option");
    types.take(2).any(|word| MAPS.contains(&&*word))
}

/// Whether a parameter is a `Path` of numbers and the like.
fn is_plain(parameter: &Parameter<'_>) -> bool {
    parameter.kind == "Path" && type_words(parameter).all(|word| PLAIN.contains(&&*word))
}

fn type_words(parameter: &Parameter<'_>) -> impl Iterator<Item = String> {
    parameter.ty.to_token_stream().into_iter().flat_map(words).map(|word| word.to_string())
}

/// The `unwrap` that goes on with the value before a token.
fn unwraps(code: &Code, end: usize) -> Option<Link> {
    let mut before = Vec::new();
    for link in code.links(end) {
        let method = code.text(link.at);
        match method {
            "unwrap" | "expect" if link.arguments.is_some() => return (!never_fails(&before)).then_some(link),
            // Poisoned by a panic, or left out by a layer, not by a request.
            "lock" | "read" | "write" | "send" | "extensions" | "extensions_mut" => return None,
            // Something else was asked.
            "await" if !before.iter().any(|method| REST.contains(method)) => return None,
            _ => before.push(method),
        }
    }
    None
}

/// `.split(..).next()`: there is always a first part.
fn never_fails(methods: &[&str]) -> bool {
    matches!(methods, [.., split, "next" | "last" | "next_back"] if split.contains("split"))
}

/// Where a function ends that reads the parameter: `serde_json::from_slice(&body)`.
fn reader(code: &Code, at: usize) -> Option<usize> {
    let open = code.around(at).next()?;
    let path = code.paths().iter().find(|path| path.is_call() && path.arguments() == Some(open))?;
    let is_argument = (open + 1..at).all(|before| code.is(before, "&"));
    (is_argument && READERS.contains(&path.last_name())).then(|| code.after(open))
}

/// From where on something else has the name.
fn bound_again(code: &Code, lets: &[(usize, usize)], at: usize) -> Option<usize> {
    if let Some((_, end)) = lets.iter().find(|(name, _)| *name == at) {
        return Some(*end);
    }
    let is_closure = code.is(at - 1, "|") && (code.is(at + 1, "|") || code.is(at + 1, ",") || code.is(at + 1, ":"))
        || code.is(at - 1, ",") && code.is(at + 1, "|") && !code.is_marks(at + 1, "||");
    // `Some(name) =>`
    let mut arrow = at + 1;
    while code.kind(arrow) == Some(Kind::Close) || code.is(arrow, ",") || code.is(arrow, ".") {
        arrow += 1;
    }
    (is_closure || code.is_word(at - 1, "for") || code.is_marks(arrow, "=>")).then_some(at)
}

/// Whether somebody asks there whether it is as expected: `if headers.contains_key(..)`.
fn asks(code: &Code, name: &str, at: usize) -> bool {
    code.is_word(at, name)
        && code.links(at + 1).any(|link| link.arguments.is_some() && ASKS.contains(&code.text(link.at)))
}
