//! A request has one span a handler, and the runtime makes it.
//!
//! `#[tracing::instrument]` beside our attribute makes a second span for the same work: every trace has twice the spans,
//! each costs its share of the collector's budget, and by default it records every argument by its `Debug`, secrets too.
//!
//! See [`#[instrument]`](https://docs.rs/tracing/latest/tracing/attr.instrument.html).
//!
//! ```wrong
//! #[handler]
//! #[tracing::instrument]
//! async fn hello(name: String) -> String {
//!     name
//! }
//! ```
//!
//! ```right
//! #[handler(fields(user.name = name))]
//! async fn hello(name: String) -> String {
//!     name
//! }
//! ```
//!
//! Workers, checks and the set-up of a service have no span of the runtime's: there the attribute makes the first, and is
//! let be. It sees the attribute below ours by its name, also by a path, and above ours by what it leaves in the body. It
//! can't see one that was renamed.

use quote::ToTokens;

use super::{Annotated, Check, Findings, Level, Rule};
use crate::errors::show;

pub(super) const RULE: Rule =
    Rule { code: "SW002", name: "second-span", level: Level::Error, check: Check::Function(&["handler"], check) };

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let function = annotated.function;
    let help = format!("remove it: the runtime traces `{}`", function.name());
    for attribute in function.attributes.iter().filter(|attribute| is_instrument(attribute)) {
        found.add_at(attribute, format!("`#[{}]` opens a second span", show(attribute.path())), &help);
    }
    if annotated.code.has_word(0..annotated.code.len(), &["__tracing_attr_span"]) {
        found.add_at(function.signature.ident.to_token_stream(), "`#[instrument]` opens a second span", help);
    }
}

pub(super) fn is_instrument(attribute: &syn::Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "instrument")
}
