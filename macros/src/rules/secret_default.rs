//! A secret has no default.
//!
//! What stands in the source is in every image, every clone and every backup, and can't be rotated without a release. A
//! pod that misses its Secret would start with it, and nobody would know.
//!
//! See [Secrets](https://kubernetes.io/docs/concepts/configuration/secret/).
//!
//! ```wrong
//! #[config(env)]
//! struct Config {
//!     #[config(default = "postgres://app:hunter2@db/orders")]
//!     database_url: Url,
//! }
//! ```
//!
//! ```right
//! #[config(env)]
//! struct Config {
//!     database_url: Secret<Url>,
//! }
//! ```
//!
//! It sees any default of a `Secret`, and one that is a URL with a password. It can't see a secret in an expression, or in a
//! text of another form.

use syn::{Expr, ExprLit, Lit, ext::IdentExt};

use super::{Check, Field, Findings, Level, Rule, plain_secret::as_secret};
use crate::function::{inside_option, last_name};

pub(super) const RULE: Rule =
    Rule { code: "SW007", name: "secret-default", level: Level::Error, check: Check::Field(check) };

fn check(field: &Field<'_>, found: &mut Findings) {
    let Some(default) = field.default else {
        return;
    };
    let (name, variable) = (field.name.unraw(), field.variable);
    if last_name(inside_option(field.ty)).is_some_and(|name| name == "Secret") {
        found.add_at(
            default,
            format!("the secret `{name}` has a default that anyone can read"),
            format!("remove it, and set `{variable}` or `{variable}_FILE`"),
        );
    } else if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = default
        && has_password(&text.value())
    {
        found.add_at(
            default,
            format!("the default of `{name}` has a password that anyone can read"),
            format!("write `{}` without a default, and set `{variable}`", as_secret(field)),
        );
    }
}

/// Whether the text is a URL that has a password: `postgres://app:hunter2@db`.
fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .and_then(|(user, _)| user.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty())
}
