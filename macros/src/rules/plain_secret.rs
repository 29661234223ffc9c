//! No secret in a field that is shown as it is, nor in a default that stands in the source.
//!
//! What is a secret is guessed from the last words of a field's name, and only where its type is a text: `token_ttl` and
//! `token: Token` are the user's own affair.

use syn::{Expr, ExprLit, Ident, Lit, Type, ext::IdentExt};

use crate::{
    errors::{Errors, show},
    function::{inside_option, last_name},
};

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

/// Checks a field that is read from the environment, and says whether it is such a secret.
pub(crate) fn check(name: &Ident, ty: &Type, errors: &mut Errors) -> bool {
    let is_text = last_name(inside_option(ty)).is_some_and(|name| name == "String");
    let lower = name.unraw().to_string().to_lowercase();
    let named = |secret: &&str| {
        let before = lower.strip_suffix(*secret);
        before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
    };
    let is_plain = is_text && SECRETS.iter().any(named);
    if is_plain {
        let what = format!("the secret `{}` is a plain text, which logs and errors can show", name.unraw());
        errors.add(ty, what, format!("write `{}`, and read it with `expose()`", as_secret(ty)));
    }
    is_plain
}

/// Checks a default, and says whether it is a URL with a password.
pub(crate) fn check_default(given: &Expr, name: &Ident, ty: &Type, variable: &str, errors: &mut Errors) -> bool {
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = given else {
        return false;
    };
    let has_password = has_password(&text.value());
    if has_password {
        let what = format!("the default of `{}` has a password that anyone can read", name.unraw());
        let help = format!("write `{}` without a default, and set `{variable}`", as_secret(ty));
        errors.add(given, what, help);
    }
    has_password
}

/// The type to write instead: `Option<Secret<String>>` for an `Option<String>`.
fn as_secret(ty: &Type) -> String {
    let inside = show(inside_option(ty));
    show(ty).replacen(&inside, &format!("Secret<{inside}>"), 1)
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
