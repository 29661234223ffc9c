//! A service runs on one runtime, that of Seaworthy.
//!
//! `#[tokio::main]` starts another one inside the first, which panics, or takes the place of the function that the service
//! is made of. Kubernetes sees a container that exits before it was ever ready, and restarts it with growing pauses.
//!
//! See [Container states and restarts](https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restarts).
//!
//! ```wrong
//! #[cloud_service]
//! #[tokio::main]
//! async fn main() -> Router {
//!     Router::new()
//! }
//! ```
//!
//! ```right
//! #[cloud_service]
//! async fn main() -> Router {
//!     Router::new()
//! }
//! ```
//!
//! It sees `#[..::main]` and `#[..::test]` below our attribute, and what `#[tokio::main]` above it leaves. It can't see a
//! runtime that a library starts on a thread of its own, which does no harm.

use super::{Annotated, Check, FUNCTIONS, Findings, Level, Rule};
use crate::{errors::show, function::starts_runtime};

pub(super) const RULE: Rule =
    Rule { code: "SW001", name: "second-runtime", level: Level::Absolute, check: Check::Function(FUNCTIONS, check) };

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let function = annotated.function;
    let name = function.name();
    for attribute in function.attributes.iter().filter(|attribute| starts(attribute)) {
        let what = format!("`#[{}]` starts a second runtime", show(attribute.path()));
        found.add_at(attribute, what, format!("remove it: `#[{}]` runs on the service's own", annotated.attribute));
    }
    let signature = &function.signature;
    if signature.asyncness.is_none() && starts_runtime(&function.body) {
        found.add_at(
            signature.fn_token,
            format!("`{name}` starts a second runtime, as by `#[tokio::main]`"),
            format!("remove it and write `async fn {name}`"),
        );
    }
}

pub(super) fn starts(attribute: &syn::Attribute) -> bool {
    let segments = &attribute.path().segments;
    segments.len() > 1 && segments.last().is_some_and(|last| last.ident == "main" || last.ident == "test")
}
