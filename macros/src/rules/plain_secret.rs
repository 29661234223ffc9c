//! A secret has a type that does not show it.
//!
//! A `String` is printed by every `{:?}`, and goes with the struct around it into logs, spans and errors: from there into a
//! log store that more people read than the cluster's Secrets. `Secret<T>` is `***` in `Debug`, has no `Display`, is wiped
//! when it is dropped, and is read where `expose()` stands.
//!
//! See [Good practices for Kubernetes Secrets](https://kubernetes.io/docs/concepts/security/secrets-good-practices/).
//!
//! ```wrong
//! #[config(env)]
//! struct Config {
//!     database_password: String,
//! }
//! ```
//!
//! ```right
//! #[config(env)]
//! struct Config {
//!     database_password: Secret<String>,
//! }
//! ```
//!
//! It guesses by the last words of a field's name (`password`, `passwd`, `passphrase`, `secret`, `token`, `api_key`,
//! `secret_key`, `private_key`, `signing_key`, `encryption_key`) where the type is a `String` or an `Option` of it. It can't
//! see secrets of other names and types: `token_ttl: Duration` and `token: Token` are the user's own affair.

use syn::ext::IdentExt;

use super::{Check, Field, Findings, Level, Rule};
use crate::{
    errors::show,
    function::{inside_option, last_name},
};

pub(super) const RULE: Rule =
    Rule { code: "SW006", name: "plain-secret", level: Level::Error, check: Check::Field(check) };

/// What a secret's name ends with.
const SECRETS: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "secret_key",
    "private_key",
    "signing_key",
    "encryption_key",
];

fn check(field: &Field<'_>, found: &mut Findings) {
    let name = field.name.unraw();
    let is_text = last_name(inside_option(field.ty)).is_some_and(|name| name == "String");
    if is_text && is_secret(&name.to_string()) {
        let what = format!("the secret `{name}` is a plain text, which logs and errors can show");
        found.add_at(field.ty, what, format!("write `{}`, and read it with `expose()`", as_secret(field)));
    }
}

/// Whether something of this name is probably a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let lower = name.to_lowercase();
    SECRETS.iter().any(|secret| {
        let before = lower.strip_suffix(secret);
        before.is_some_and(|before| before.is_empty() || before.ends_with(['_', '.']))
    })
}

/// The type to write instead: `Option<Secret<String>>` for an `Option<String>`.
pub(super) fn as_secret(field: &Field<'_>) -> String {
    let inside = show(inside_option(field.ty));
    show(field.ty).replacen(&inside, &format!("Secret<{inside}>"), 1)
}
