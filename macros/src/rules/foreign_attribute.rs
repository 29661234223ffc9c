//! No attribute beside ours that does a part of its work: `#[tokio::main]`, `#[tracing::instrument]`, `#[async_trait]`.
//!
//! One below ours is seen as it is. One above ours is expanded before, and known by what it leaves.

use crate::{
    errors::{Errors, show},
    function::{Function, starts_runtime, words},
};

pub(super) fn check(function: &Function, attribute: &str, errors: &mut Errors) {
    let name = function.name();
    let spans = format!("remove it: the runtime traces `{name}`");
    for other in &function.attributes {
        let path = show(other.path());
        let written = format!("`#[{path}]`");
        match path.rsplit("::").next() {
            Some("main" | "test") if path.contains("::") => errors.add(
                other,
                format!("{written} starts a second runtime"),
                format!("remove it: `#[{attribute}]` runs on the service's own"),
            ),
            Some("instrument") => {
                errors.add(other, format!("{written} opens a second span"), &spans);
            }
            Some("async_trait") => {
                errors.add(other, format!("{written} belongs to traits"), "remove it: nothing takes its place")
            }
            _ => {}
        }
    }
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
        errors.add(&signature.ident, "`#[instrument]` above opens a second span", spans);
    }
}
