//! The mistakes found in one use of an attribute, reported together.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// Every mistake found so far. As tokens, one `compile_error!` each.
#[derive(Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Notes a mistake at the user's tokens: what is wrong, and what to write instead.
    pub(crate) fn add(&mut self, at: impl ToTokens, what: impl Display, help: impl Display) {
        self.0.push(mistake(at, what, help));
    }

    /// Notes the mistakes of a part that was read elsewhere.
    pub(crate) fn extend(&mut self, errors: impl Into<syn::Error>) {
        self.0.extend(errors.into());
    }

    /// Takes the first out, to stand in a body whose type is not known: the compiler then doesn't ask for it.
    pub(crate) fn take_first(&mut self) -> Option<TokenStream> {
        (!self.is_empty()).then(|| self.0.remove(0).to_compile_error())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for error in &self.0 {
            error.to_compile_error().to_tokens(tokens);
        }
    }
}

/// A mistake at the user's tokens: what is wrong, and what to write instead.
pub(crate) fn mistake(at: impl ToTokens, what: impl Display, help: impl Display) -> syn::Error {
    syn::Error::new_spanned(at, format!("{what}\nhelp: {help}"))
}

/// Shows tokens as a person would write them.
pub(crate) fn show(tokens: impl ToTokens) -> String {
    let mut shown = String::new();
    let spaced = quote!(#tokens).to_string();
    let mut rest = spaced.chars().peekable();
    while let Some(c) = rest.next() {
        if c != ' ' {
            shown.push(c);
            continue;
        }
        let before = shown.chars().next_back().unwrap_or('<');
        let after = rest.peek().copied().unwrap_or('>');
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '#');
        if matches!(before, ',' | '+' | '=' | '|')
            || matches!(after, '+' | '=' | '|')
            || (word(before) && (word(after) || matches!(after, '&' | '\'')))
        {
            shown.push(' ');
        }
    }
    shown
}
