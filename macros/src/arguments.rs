//! The arguments of an attribute: which there are, and what each may be.

use std::time::Duration;

use darling::{FromMeta, ast::NestedMeta};
use proc_macro2::TokenStream;
use syn::{
    Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Token,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::{
    duration,
    errors::{Errors, mistake, show},
    rules,
};

/// What may stand in the parentheses of an attribute.
pub(crate) trait Arguments: FromMeta + Default {
    /// The attribute, as in `#[ready]`.
    const ATTRIBUTE: &'static str;
    /// Each argument, with an example of it; `""` where it is known only to be refused.
    const EXAMPLES: &'static [(&'static str, &'static str)];
}

/// Reads the arguments of an attribute. What can't be read is left out and noted.
pub(crate) fn parse<A: Arguments>(tokens: TokenStream, errors: &mut Errors) -> A {
    read(parse_list::<A>(tokens, errors), errors)
}

/// Splits the tokens in the parentheses of an attribute at the commas.
pub(crate) fn parse_list<A: Arguments>(tokens: TokenStream, errors: &mut Errors) -> Vec<NestedMeta> {
    NestedMeta::parse_meta_list(tokens).unwrap_or_else(|error| {
        errors.extend(syn::Error::new(
            error.span(),
            format!("`#[{}]` can't read this\nhelp: {}", A::ATTRIBUTE, takes::<A>()),
        ));
        Vec::new()
    })
}

/// Reads arguments that were split before. An unknown or a repeated one is an error.
pub(crate) fn read<A: Arguments>(items: Vec<NestedMeta>, errors: &mut Errors) -> A {
    let mut known = Vec::new();
    let mut seen = Vec::new();
    for item in items {
        let NestedMeta::Meta(meta) = &item else {
            errors.add(&item, format!("`{}` has no name", show(&item)), takes::<A>());
            continue;
        };
        let name = show(meta.path());
        if name == rules::ALLOW {
            // `rules` has read it.
            continue;
        }
        if A::EXAMPLES.iter().all(|(argument, _)| *argument != name) {
            let help = did_you_mean(&name, A::EXAMPLES.iter().map(|(argument, _)| *argument).chain([rules::ALLOW]))
                .map_or_else(takes::<A>, |close| format!("did you mean `{close}`?"));
            let what = format!("`#[{}]` has no argument `{name}`", A::ATTRIBUTE);
            errors.add(meta.path(), what, help);
        } else if seen.contains(&name) {
            let what = format!("`{name}` is given twice");
            errors.add(meta.path(), what, "keep one of the two");
        } else {
            seen.push(name);
            known.push(item);
        }
    }
    A::from_list(&known).unwrap_or_else(|error| {
        errors.extend(error);
        A::default()
    })
}

/// The name that was probably meant.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

fn takes<A: Arguments>() -> String {
    let examples: Vec<_> = A::EXAMPLES
        .iter()
        .filter(|(_, example)| !example.is_empty())
        .map(|(_, example)| format!("`{example}`"))
        .collect();
    match examples.is_empty() {
        true => "it takes none: remove it".into(),
        false => format!("it takes {}", examples.join(", ")),
    }
}

fn literal(meta: &Meta) -> Option<&Lit> {
    match meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit, .. }) => Some(lit),
            _ => None,
        },
        _ => None,
    }
}

/// The value of an argument, or all of it where there is none: what to underline.
fn value(meta: &Meta) -> &dyn quote::ToTokens {
    match meta {
        Meta::NameValue(pair) => &pair.value,
        _ => meta,
    }
}

// === Time ===

/// A duration longer than zero: `every = "5s"`.
pub(crate) struct Time {
    pub(crate) duration: Duration,
    pub(crate) literal: LitStr,
}

impl FromMeta for Time {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        let name = show(meta.path());
        match literal(meta) {
            Some(Lit::Str(literal)) => {
                let duration = time(&literal.value(), literal)?;
                let literal = literal.clone();
                Ok(Self { duration, literal })
            }
            // `5s` is a number to Rust, and its suffix a mistake.
            Some(Lit::Int(number)) => {
                let text = match number.suffix() {
                    "" => format!("{number}s"),
                    _ => number.to_string(),
                };
                let text = duration::parse(&text).map_or("5s".to_owned(), |_| text);
                let what = format!("`{name}` is a duration in quotes");
                Err(mistake(number, what, format!("write `{name} = \"{text}\"`")).into())
            }
            _ => {
                let what = format!("`{name}` is a duration in quotes");
                let help = format!("write `{name} = \"5s\"`");
                Err(mistake(value(meta), what, help).into())
            }
        }
    }
}

/// A duration that may be zero: `lame_duck = "0s"`.
pub(crate) struct TimeOrNone(pub(crate) Time);

impl FromMeta for TimeOrNone {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        match literal(meta) {
            Some(Lit::Str(literal)) if duration::parse(&literal.value()) == Some(Duration::ZERO) => {
                Ok(Self(Time { duration: Duration::ZERO, literal: literal.clone() }))
            }
            _ => Time::from_meta(meta).map(Self),
        }
    }
}

fn time(text: &str, at: &LitStr) -> syn::Result<Duration> {
    match duration::parse(text) {
        Some(Duration::ZERO) => Err(mistake(at, "this duration is zero", "write a longer one, such as `\"5s\"`")),
        Some(duration) => Ok(duration),
        None => Err(mistake(
            at,
            format!("`{text}` is not a duration"),
            "write numbers with a unit (ms, s, m, h, d), such as `\"1m30s\"`",
        )),
    }
}

// === Range ===

/// Two durations, the longer last: `backoff = "1s..1m"`.
pub(crate) struct Range {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl FromMeta for Range {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        let name = show(meta.path());
        let help = format!("write the first and the longest: `{name} = \"1s..1m\"`");
        let Some(Lit::Str(literal)) = literal(meta) else {
            let what = format!("`{name}` is two durations in quotes");
            return Err(mistake(value(meta), what, help).into());
        };
        let text = literal.value();
        let Some((first, longest)) = text.split_once("..") else {
            let what = format!("`{name}` is two durations");
            return Err(mistake(literal, what, help).into());
        };
        let first = time(first, literal)?;
        let longest = time(longest, literal)?;
        if first > longest {
            let what = format!("the first wait of `{name}` is longer than the longest");
            let help = format!("write `{name} = \"{}..{}\"`", duration::show(longest), duration::show(first));
            return Err(mistake(literal, what, help).into());
        }
        Ok(Self { first, longest })
    }
}

// === Switch ===

/// `critical = false`.
pub(crate) struct Switch(pub(crate) bool);

impl FromMeta for Switch {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        match literal(meta) {
            Some(Lit::Bool(on)) => Ok(Self(on.value())),
            _ => {
                let name = show(meta.path());
                let what = format!("`{name}` is `true` or `false`");
                let help = format!("write `{name} = false`");
                Err(mistake(value(meta), what, help).into())
            }
        }
    }
}

// === Word ===

/// An argument without a value: `flatten`.
pub(crate) struct Word(pub(crate) Path);

impl FromMeta for Word {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        match meta {
            Meta::Path(path) => Ok(Self(path.clone())),
            _ => {
                let name = show(meta.path());
                let what = format!("`{name}` takes no value");
                Err(mistake(value(meta), what, format!("write `{name}`")).into())
            }
        }
    }
}

// === Text ===

/// A text that is not empty: `name = "greeter"`.
pub(crate) struct Text(pub(crate) LitStr);

impl FromMeta for Text {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        match literal(meta) {
            Some(Lit::Str(literal)) if !literal.value().trim().is_empty() => Ok(Self(literal.clone())),
            _ => {
                let name = show(meta.path());
                let what = format!("`{name}` is a text in quotes");
                let help = format!("write `{name} = \"..\"`");
                Err(mistake(value(meta), what, help).into())
            }
        }
    }
}

// === Names ===

/// A list of functions: `ready(sessions, checks::queue)`.
pub(crate) struct Names {
    /// The argument itself: `ready`.
    pub(crate) list: Ident,
    pub(crate) paths: Vec<Path>,
}

impl FromMeta for Names {
    fn from_meta(meta: &Meta) -> darling::Result<Self> {
        let list = meta.path().require_ident().map_err(darling::Error::from)?;
        let Meta::List(names) = meta else {
            let what = format!("`{list}` is a list of functions in parentheses");
            let help = match meta {
                Meta::NameValue(pair) => format!("write `{list}({})`", unquoted(&pair.value)),
                _ => format!("write `{list}(my_function)`"),
            };
            return Err(mistake(value(meta), what, help).into());
        };
        let paths = (|input: ParseStream<'_>| {
            Punctuated::<Path, Token![,]>::parse_terminated_with(input, Path::parse_mod_style)
        })
        .parse2(names.tokens.clone())
        .map_err(|error| {
            syn::Error::new(
                error.span(),
                format!("`{list}` lists functions\nhelp: write their names: `{list}(one, other)`"),
            )
        })?;
        Ok(Self { list: list.clone(), paths: paths.into_iter().collect() })
    }
}

/// An expression; a text in quotes without them.
fn unquoted(value: &Expr) -> String {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
        value => show(value),
    }
}
