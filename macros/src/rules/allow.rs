//! What the user allows, and why: `#[handler(allow(SW004, reason = ".."))]`.

use std::cell::Cell;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{Expr, ExprLit, Ident, Lit, Meta, Token, parse::Parser, punctuated::Punctuated};

use super::{Check, Level, RULES, Rule};
use crate::{
    arguments::did_you_mean,
    errors::{Errors, show},
};

/// The argument of every attribute that allows.
pub(crate) const ALLOW: &str = "allow";

const HELP: &str = "write `allow(SW004, reason = \"..\")`";

/// The rules that an attribute allows to break.
#[derive(Default)]
pub(crate) struct Allows(Vec<Allow>);

struct Allow {
    rule: &'static Rule,
    at: Span,
    used: Cell<bool>,
}

impl Allows {
    /// Reads the `allow`s among the arguments of an attribute. Others, and what can't be read, are not its business.
    pub(crate) fn of_attribute(arguments: &TokenStream, errors: &mut Errors) -> Self {
        let mut allows = Self::default();
        for allow in all(arguments) {
            allows.read(&allow, errors);
        }
        allows
    }

    /// Adds what another attribute of the same item allows.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn read(&mut self, meta: &Meta, errors: &mut Errors) {
        let parts = match meta {
            Meta::List(list) => {
                let parts = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone());
                parts.unwrap_or_default()
            }
            _ => Punctuated::new(),
        };
        if parts.is_empty() {
            errors.add(meta, "`allow` names a rule and a reason", HELP);
            return;
        }
        let mut has_reason = false;
        let mut codes = Vec::new();
        for part in &parts {
            match part {
                Meta::Path(path) if let Some(code) = path.get_ident() => codes.push(code),
                Meta::NameValue(pair) if pair.path.is_ident("reason") => {
                    has_reason = true;
                    if !is_reason(&pair.value) {
                        errors.add(&pair.value, "this says no reason", "say in quotes why the rule does not fit here");
                    }
                }
                other => errors.add(other, format!("`allow` can't read `{}`", show(other)), HELP),
            }
        }
        if let (false, Some(first)) = (has_reason, codes.first()) {
            let what = format!("nothing says why `{first}` is allowed");
            errors.add(meta, what, format!("write `allow({first}, reason = \"..\")`"));
        }
        for code in codes {
            self.add(code, errors);
        }
    }

    fn add(&mut self, code: &Ident, errors: &mut Errors) {
        match rule(&code.to_string()) {
            Ok(rule) if rule.level == Level::Absolute => {
                let what = format!("`{}` can't be allowed: it would not run", rule.name);
                errors.add(code, what, format!("remove `allow({code}, ..)`"));
            }
            Ok(rule) if matches!(rule.check, Check::Crate(_)) => {
                let what = format!("`{}` looks at the whole crate, not at this", rule.name);
                errors.add(code, what, format!("write `// seaworthy: allow({code}) reason` above the line it names"));
            }
            Ok(rule) => self.0.push(Allow { rule, at: code.span(), used: Cell::new(false) }),
            Err(help) => errors.add(code, format!("there is no rule `{code}`"), help),
        }
    }

    /// Whether the rule may be broken here.
    pub(super) fn allow(&self, rule: &Rule) -> bool {
        let mut allowed = self.0.iter().filter(|allow| allow.rule.code == rule.code);
        let first = allowed.next();
        first.inspect(|allow| allow.used.set(true)).is_some()
    }

    /// Warns of what allows nothing.
    pub(crate) fn warn_of_unused(&self, attribute: &str, errors: &mut Errors) {
        for Allow { rule, at, .. } in self.0.iter().filter(|allow| !allow.used.get()) {
            let text = format!(
                "`{}` finds nothing below this `#[{attribute}]`\nhelp: remove `allow({}, ..)`",
                rule.name, rule.code
            );
            errors.warn("unused_allow", *at, text);
        }
    }
}

/// The first `allow` among the arguments of an attribute.
pub(crate) fn first_allow(arguments: &TokenStream) -> Option<Meta> {
    all(arguments).next()
}

fn all(arguments: &TokenStream) -> impl Iterator<Item = Meta> {
    let metas = split(arguments).into_iter().filter_map(|argument| syn::parse2::<Meta>(argument).ok());
    metas.filter(|meta| meta.path().is_ident(ALLOW))
}

/// The arguments of an attribute, each by itself: one that is half typed takes no other with it.
fn split(arguments: &TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in arguments.clone() {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(comma), _) if comma.as_char() == ',' => parts.push(TokenStream::new()),
            (_, Some(part)) => part.extend([token]),
            _ => {}
        }
    }
    parts
}

/// The rule with this code, or what to write instead.
pub(super) fn rule(code: &str) -> Result<&'static Rule, String> {
    if let Some(rule) = RULES.iter().find(|rule| rule.code == code) {
        return Ok(rule);
    }
    let name = code.replace('_', "-").to_lowercase();
    // `SW04` is as close to `SW014`.
    let number = code.strip_prefix("SW").or(code.strip_prefix("sw")).and_then(|number| number.parse::<u16>().ok());
    let meant = number.map_or_else(|| code.to_owned(), |number| format!("SW{number:03}"));
    let close =
        RULES.iter().find(|rule| rule.name == name || rule.code.eq_ignore_ascii_case(&meant)).map(|rule| rule.code);
    let close = close.or_else(|| did_you_mean(code, RULES.iter().map(|rule| rule.code)));
    let close = close.or_else(|| {
        let name = did_you_mean(&name, RULES.iter().map(|rule| rule.name))?;
        RULES.iter().find(|rule| rule.name == name).map(|rule| rule.code)
    });
    Err(close.map_or_else(
        || "write one of the codes in docs/rules.md, such as `SW004`".into(),
        |close| format!("did you mean `{close}`?"),
    ))
}

fn is_reason(value: &Expr) -> bool {
    matches!(value, Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if !text.value().trim().is_empty())
}
