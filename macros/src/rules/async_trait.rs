//! An annotated function is no method of a trait.
//!
//! `#[async_trait]` rewrites the methods of a trait, and can't stand above a function. Beside our attributes it is left
//! over from another framework; the compiler would speak of a missing `trait` or `impl`.
//!
//! See [async-trait](https://docs.rs/async-trait/latest/async_trait/).
//!
//! ```wrong
//! #[ready]
//! #[async_trait]
//! async fn cache() -> bool {
//!     true
//! }
//! ```
//!
//! ```right
//! #[ready]
//! async fn cache() -> bool {
//!     true
//! }
//! ```
//!
//! It can't see the attribute above ours: that has been expanded, and failed, before.

use super::{Annotated, Check, FUNCTIONS, Findings, Level, Rule};
use crate::errors::show;

pub(super) const RULE: Rule =
    Rule { code: "SW003", name: "async-trait", level: Level::Absolute, check: Check::Function(FUNCTIONS, check) };

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    for attribute in annotated.function.attributes.iter().filter(|attribute| is_async_trait(attribute)) {
        let what = format!("`#[{}]` belongs to traits", show(attribute.path()));
        found.add_at(attribute, what, "remove it: nothing takes its place");
    }
}

pub(super) fn is_async_trait(attribute: &syn::Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "async_trait")
}
