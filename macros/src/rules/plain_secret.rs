//! No secret in a field that is shown as it is, nor in a default that stands in the source.
//!
//! What is a secret is guessed from the last words of a field's name, and only where its type is a text: `token_ttl` and
//! `token: Token` are the user's own affair.

use syn::{Ident, Type, ext::IdentExt};

use crate::{
    errors::{Errors, show},
    function::last_name,
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

/// Checks a field that is read from the environment, and says whether it is such a secret. `inside` is its type without
/// `Option`.
pub(crate) fn check_field(name: &Ident, ty: &Type, inside: &Type, errors: &mut Errors) -> bool {
    let text = last_name(inside).is_some_and(|name| name == "String");
    let lower = name.unraw().to_string().to_lowercase();
    let named = |secret: &&str| {
        let before = lower.strip_suffix(*secret);
        before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
    };
    let is_plain = text && SECRETS.iter().any(named);
    if is_plain {
        let (ty_text, inside) = (show(ty), show(inside));
        errors.add(
            ty,
            format!("the secret `{}` is a plain text, which logs and errors can show", name.unraw()),
            format!("write `{}`, and read it with `expose()`", ty_text.replace(&inside, &format!("Secret<{inside}>"))),
        );
    }
    is_plain
}

/// Whether the text is a URL that has a password: `postgres://app:hunter2@db`.
pub(crate) fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .and_then(|(user, _)| user.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty())
}
