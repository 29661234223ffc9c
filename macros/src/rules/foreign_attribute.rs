//! No attribute beside ours that does a part of its work: `#[tokio::main]`, `#[tracing::instrument]`, `#[async_trait]`.
//!
//! One below ours is seen as it is. One above ours is expanded before, and known by what it leaves.

use crate::{
    errors::{Errors, show},
    function::{Function, starts_runtime, words},
};

pub(super) fn check(function: &mut Function, attribute: &str, errors: &mut Errors) {
    let name = function.name();
    function.attributes.retain(|other| {
        let Some((what, help)) = refused(&show(other.path()), attribute, &name) else {
            return true;
        };
        errors.add(other, what, help);
        false
    });
    let signature = &function.signature;
    if signature.asyncness.is_none() && starts_runtime(&function.body) {
        errors.add(
            signature.fn_token,
            format!("`{name}` starts a second runtime, as by `#[tokio::main]`"),
            format!("remove it and write `async fn {name}`"),
        );
    }
    let mut body = function.body.stream().into_iter().flat_map(words);
    if body.any(|word| word == "__tracing_attr_span") {
        let (what, help) = second_span("instrument", &name);
        errors.add(&signature.ident, what, help);
    }
}

/// Why an attribute can't stand here, and what to do.
fn refused(path: &str, ours: &str, name: &str) -> Option<(String, String)> {
    let (before, last) = path.rsplit_once("::").unwrap_or(("", path));
    match last {
        "main" | "test" if !before.is_empty() => Some((
            format!("`#[{path}]` starts a second runtime"),
            format!("remove it: `#[{ours}]` runs on the service's own"),
        )),
        "instrument" => Some(second_span(path, name)),
        "async_trait" => Some((format!("`#[{path}]` belongs to traits"), "remove it: nothing takes its place".into())),
        _ => None,
    }
}

fn second_span(path: &str, name: &str) -> (String, String) {
    (format!("`#[{path}]` opens a second span"), format!("remove it: the runtime traces `{name}`"))
}
