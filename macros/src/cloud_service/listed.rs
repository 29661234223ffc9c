//! What a service lists: its checks, workers and commands, by the names of their functions.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, Path, PathArguments, ext::IdentExt, spanned::Spanned};

use crate::{
    arguments::Names,
    errors::{Errors, show},
};

/// A check, a worker or a command that the service lists.
pub(super) struct Listed {
    path: Path,
    /// The method that adds it, with the span of the list.
    method: Ident,
    /// What its type is called where the parts are put together.
    pub(super) alias: Ident,
}

impl Listed {
    /// The function's own name.
    pub(super) fn name(&self) -> Ident {
        let name = self.path.segments.last().map(|segment| &segment.ident);
        let mut name = name.unwrap_or(&self.alias).clone();
        name.set_span(Span::call_site());
        name
    }

    /// What brings its type in scope, under the alias.
    pub(super) fn import(&self) -> TokenStream {
        let (path, alias) = (&self.path, &self.alias);
        quote!(#path as #alias)
    }

    /// What adds it to the parts.
    pub(super) fn add(&self) -> TokenStream {
        let (method, alias) = (&self.method, &self.alias);
        quote!(.#method::<#alias>())
    }
}

/// Adds one list of the attribute to what the service lists.
pub(super) fn add(names: Option<Names>, method: &str, listed: &mut Vec<Listed>, errors: &mut Errors) {
    let Some(Names { list, paths }) = names else {
        return;
    };
    if method == "ready" && paths.iter().any(|path| path.is_ident("none")) {
        for other in paths.iter().filter(|path| !path.is_ident("none")) {
            errors.add(
                other,
                format!("`ready(none)` can't list `{}`", show(other)),
                format!("remove `none` or `{}`", show(other)),
            );
        }
        return;
    }
    if paths.is_empty() {
        let help = match method {
            "ready" => "name a check, or say that there is none: `ready(none)`".into(),
            _ => format!("name a function, or remove `{list}()`"),
        };
        errors.add(&list, format!("`{list}()` lists nothing"), help);
    }
    let mut seen: Vec<String> = Vec::new();
    for path in paths {
        let shown = show(&path);
        if path.segments.iter().any(|segment| !matches!(segment.arguments, PathArguments::None)) {
            let what = format!("`{shown}` is not the name of a function");
            errors.add(path, what, format!("list functions: `{list}(one, other)`"));
        } else if seen.contains(&shown) {
            errors.add(path, format!("`{shown}` is listed twice"), "keep one of the two");
        } else {
            let method = Ident::new(method, list.span());
            seen.push(shown);
            listed.push(Listed { alias: alias(&path, listed), path, method });
        }
    }
}

/// `checks::is_up` as `IsUp`; with a number where something else has that name.
fn alias(path: &Path, listed: &[Listed]) -> Ident {
    let mut name = String::new();
    for word in last_segment(path).split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.extend(letters);
    }
    let taken = |alias: &str| {
        alias == "Self"
            || path.segments.iter().any(|segment| segment.ident == alias)
            || listed.iter().any(|other| other.alias == alias)
    };
    let mut alias = name.clone();
    let mut number = 2;
    while alias.is_empty() || taken(&alias) {
        alias = format!("{name}{number}");
        number += 1;
    }
    Ident::new(&alias, path.span())
}

fn last_segment(path: &Path) -> String {
    let last = path.segments.last();
    last.map(|segment| segment.ident.unraw().to_string()).unwrap_or_default()
}
