//! The mistakes found in one use of an attribute, reported together.

use std::fmt::Display;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

/// Every mistake found so far. As tokens, one `compile_error!` each, and what is warned of.
#[derive(Default)]
pub(crate) struct Errors {
    mistakes: Vec<syn::Error>,
    warnings: Vec<TokenStream>,
}

impl Errors {
    /// Notes a mistake at the user's tokens: what is wrong, and what to write instead.
    pub(crate) fn add(&mut self, at: impl ToTokens, what: impl Display, help: impl Display) {
        self.mistakes.push(mistake(at, what, help));
    }

    /// Notes a mistake from one token to another.
    pub(crate) fn add_between(&mut self, first: Span, last: Span, text: impl Display) {
        let (first, last) = (quote_spanned!(first=> _), quote_spanned!(last=> _));
        self.mistakes.push(syn::Error::new_spanned(quote!(#first #last), text));
    }

    /// Notes what compiles, but should not stay so. `name` is what the compiler calls it.
    pub(crate) fn warn(&mut self, name: &str, at: Span, text: impl Display) {
        let text = text.to_string();
        let name = Ident::new(name, at.resolved_at(Span::call_site()));
        self.warnings.push(quote! {
            const _: () = {
                #[deprecated(note = #text)]
                #[allow(non_upper_case_globals)]
                const #name: () = ();
                #name
            };
        });
    }

    /// Notes the mistakes of a part that was read elsewhere.
    pub(crate) fn extend(&mut self, errors: impl Into<syn::Error>) {
        self.mistakes.extend(errors.into());
    }

    /// Takes the first out, to stand in a body whose type is not known: the compiler then doesn't ask for it.
    pub(crate) fn take_first(&mut self) -> Option<TokenStream> {
        (!self.is_empty()).then(|| self.mistakes.remove(0).to_compile_error())
    }

    /// How many mistakes there are.
    pub(crate) fn len(&self) -> usize {
        self.mistakes.len()
    }

    /// Whether there are no mistakes.
    pub(crate) fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for error in &self.mistakes {
            error.to_compile_error().to_tokens(tokens);
        }
        // Where there are mistakes, a warning may stand in a place where it can't, such as an `impl`.
        if self.is_empty() {
            tokens.extend(self.warnings.iter().cloned());
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
