//! What a macro can see of the mistakes that take services down in a cluster. One file a rule.
//!
//! A rule is a file here, which is its page in `docs/rules.md` too, and its line in [`RULES`]. It looks at code
//! (`crate::code`) and says what it found: [`Findings`]. Everything else is done here: what is allowed, that tests are left
//! alone, that a body which does not parse is the compiler's to speak of, and that one token is reported once, by the
//! first rule.
//!
//! A rule prefers silence to a false alarm: it speaks of paths that it knows for certain, and of no other.

// What the rules have in common.
mod allow;
mod audit;
#[cfg(test)]
mod corpus;
mod parameters;
#[cfg(test)]
mod tests;
mod waits;

// The rules.
mod async_trait;
mod blocking_call;
mod check_budget;
mod client_per_request;
mod detached_task;
mod environment_read;
mod guard_across_await;
mod hard_coded_address;
mod liveness_calls_out;
mod local_file;
mod metric_cardinality;
mod plain_secret;
mod print;
mod process_exit;
mod readiness_writes;
mod request_unwrap;
mod retry_without_delay;
mod second_runtime;
mod second_server;
mod second_span;
mod second_subscriber;
mod secret_default;
mod secret_in_telemetry;
mod shutdown_budget;
mod signal_handler;
mod state_in_static;
mod timeout_beyond_drain;
mod unbounded_channel;
mod unlimited_body;
mod unread_variable;
mod worker_ignores_shutdown;

use std::{fmt::Display, ops::Range};

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Ident, Type};

#[cfg(test)]
pub(crate) use self::check_budget::TIMEOUT as CHECK_TIMEOUT;
#[cfg(test)]
pub(crate) use self::shutdown_budget::{DRAIN, GRACE, LAME_DUCK, REST};
pub(crate) use self::{
    allow::{ALLOW, Allows, first_allow},
    audit::{Crate, audit, audit_macro},
};
use crate::{
    code::{At, Code},
    errors::Errors,
    function::Function,
};

/// Each rule, in the order of their codes. A code that was published is never given to another.
pub(crate) const RULES: &[&Rule] = &[
    &second_runtime::RULE,
    &second_span::RULE,
    &async_trait::RULE,
    &detached_task::RULE,
    &blocking_call::RULE,
    &plain_secret::RULE,
    &secret_default::RULE,
    &process_exit::RULE,
    &state_in_static::RULE,
    &signal_handler::RULE,
    &second_server::RULE,
    &second_subscriber::RULE,
    &environment_read::RULE,
    &print::RULE,
    &unbounded_channel::RULE,
    &unlimited_body::RULE,
    &guard_across_await::RULE,
    &local_file::RULE,
    &client_per_request::RULE,
    &request_unwrap::RULE,
    &worker_ignores_shutdown::RULE,
    &retry_without_delay::RULE,
    &hard_coded_address::RULE,
    &liveness_calls_out::RULE,
    &readiness_writes::RULE,
    &secret_in_telemetry::RULE,
    &metric_cardinality::RULE,
    &check_budget::RULE,
    &timeout_beyond_drain::RULE,
    &shutdown_budget::RULE,
    &unread_variable::RULE,
];

/// One constraint of a cloud-native service.
pub(crate) struct Rule {
    /// `SW003`
    pub(crate) code: &'static str,
    /// Its name, which is that of its file with `-` for `_`.
    pub(crate) name: &'static str,
    pub(crate) level: Level,
    pub(crate) check: Check,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// It does not compile, and nothing allows it.
    Absolute,
    /// It does not compile.
    Error,
    /// It compiles with a warning.
    Warning,
}

/// The attributes of functions.
pub(crate) const FUNCTIONS: &[&str] = &["cloud_service", "command", "handler", "health", "ready", "worker"];

/// What a rule looks at.
pub(crate) enum Check {
    /// Functions below these attributes.
    Function(&'static [&'static str], fn(&Annotated<'_>, &mut Findings)),
    /// The code of functions below these attributes, and of every file besides.
    Everywhere(&'static [&'static str], fn(&Code, &mut Findings)),
    /// All files of a service or of a library that is audited.
    Crate(fn(&Crate, &mut Findings)),
    /// A field of a configuration that is read from a variable.
    Field(fn(&Field<'_>, &mut Findings)),
}

/// A function below one of our attributes.
pub(crate) struct Annotated<'a> {
    /// `handler`, say.
    pub(crate) attribute: &'a str,
    pub(crate) function: &'a Function,
    /// Its signature and its body.
    pub(crate) code: &'a Code,
    /// What stands in the parentheses of the attribute.
    pub(crate) arguments: Code,
}

/// A field of a configuration.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) ty: &'a Type,
    /// `APP_GREETING`
    pub(crate) variable: &'a str,
    pub(crate) default: Option<&'a syn::Expr>,
}

// === What rules find ===

/// What a rule has found.
pub(crate) struct Findings {
    rule: &'static Rule,
    found: Vec<Finding>,
}

struct Finding {
    rule: &'static Rule,
    at: At,
    /// The first token, where it is found in code.
    token: usize,
    /// The tokens of the call that begins there, with its arguments and what goes on with it.
    call: Range<usize>,
    what: String,
    help: String,
}

impl Findings {
    fn of(rule: &'static Rule) -> Self {
        Self { rule, found: Vec::new() }
    }

    /// Notes what is wrong with the tokens from `first` to `last`, both included, and what to write instead.
    pub(crate) fn add(&mut self, code: &Code, first: usize, last: usize, what: impl Display, help: impl Display) {
        self.push(code.at(first, last), first, what, help);
        if let Some(finding) = self.found.last_mut() {
            finding.call = code.chain(first);
        }
    }

    /// Notes what is wrong with a part of an annotated item.
    pub(crate) fn add_at(&mut self, part: impl ToTokens, what: impl Display, help: impl Display) {
        let tokens = part.to_token_stream();
        let first = tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span());
        let last = tokens.into_iter().last().map_or(first, |token| token.span());
        self.push(At::Tokens(first, last), usize::MAX, what, help);
    }

    fn push(&mut self, at: At, token: usize, what: impl Display, help: impl Display) {
        let (what, help) = (what.to_string(), help.to_string());
        self.found.push(Finding { rule: self.rule, at, token, call: token..token, what, help });
    }
}

/// Rules that may find one mistake together, and which of them says it: a server of one's own most often stands in a
/// task, and hears a signal.
const TOGETHER: [&str; 3] = ["SW011", "SW010", "SW004"];

impl Finding {
    /// Whether another finding speaks of the same mistake: one of the two stands in the other's call.
    fn is_part_of(&self, other: &Self) -> bool {
        let place = |finding: &Self| TOGETHER.iter().position(|code| *code == finding.rule.code);
        let is_weaker = place(self).zip(place(other)).is_some_and(|(own, others)| own > others);
        is_weaker && (self.call.contains(&other.token) || other.call.contains(&self.token))
    }

    /// As the compiler says it. What is in another file says where.
    fn report(&self, errors: &mut Errors) {
        let Self { rule, at, what, help, .. } = self;
        let (place, first, last) = match at {
            At::Tokens(first, last) => (String::new(), *first, *last),
            At::File { path, line, column } => {
                (format!("{}:{line}:{column}: ", path.display()), Span::call_site(), Span::call_site())
            }
        };
        let text = format!("{place}{what}\nhelp: {help}\nrule: {}, {}", rule.name, rule.code);
        match rule.level {
            Level::Absolute | Level::Error => errors.add_between(first, last, text),
            Level::Warning => errors.warn(&rule.name.replace('-', "_"), first, text),
        }
    }
}

// === What is checked where ===

/// Checks a function below one of our attributes. What would be a second mistake is taken out of it.
pub(crate) fn check_function(
    function: &mut Function,
    attribute: &str,
    code: &Code,
    arguments: &TokenStream,
    errors: &mut Errors,
) {
    let allows = Allows::of_attribute(arguments, errors);
    if code.is_of_tests() {
        return;
    }
    let annotated = Annotated { attribute, code, arguments: Code::of_tokens(arguments.clone()), function };
    let mut all = Vec::new();
    for rule in RULES {
        let mut findings = Findings::of(rule);
        match rule.check {
            Check::Function(attributes, check) if attributes.contains(&attribute) => check(&annotated, &mut findings),
            Check::Everywhere(attributes, check) if attributes.contains(&attribute) => {
                check(code, &mut findings);
            }
            _ => {}
        }
        all.extend(findings.found);
    }
    // A body that is half typed is the compiler's to speak of.
    let parses = all.is_empty() || syn::parse2::<syn::Block>(function.body.to_token_stream()).is_ok();
    all.retain(|finding| parses || finding.token == usize::MAX);
    all.retain(|finding| !allows.allow(finding.rule));
    let reported = report(&all, errors);
    allows.warn_of_unused(attribute, errors);
    for rule in reported {
        match rule.code {
            "SW001" => function.attributes.retain(|attribute| !second_runtime::starts(attribute)),
            "SW002" => function.attributes.retain(|attribute| !second_span::is_instrument(attribute)),
            "SW003" => function.attributes.retain(|attribute| !async_trait::is_async_trait(attribute)),
            _ => {}
        }
    }
}

/// Checks a field of a configuration; says whether anything was wrong with it.
pub(crate) fn check_field(field: &Field<'_>, allows: &Allows, errors: &mut Errors) -> bool {
    let mut all = Vec::new();
    for rule in RULES {
        if let Check::Field(check) = rule.check {
            let mut findings = Findings::of(rule);
            check(field, &mut findings);
            all.extend(findings.found);
        }
    }
    all.retain(|finding| !allows.allow(finding.rule));
    !report(&all, errors).is_empty()
}

/// Reports what is not allowed: each place once, by the first rule. Returns the rules that spoke.
fn report(found: &[Finding], errors: &mut Errors) -> Vec<&'static Rule> {
    let mut places: Vec<usize> = Vec::new();
    let mut rules = Vec::new();
    for finding in found {
        let is_second = finding.token != usize::MAX && places.contains(&finding.token);
        if is_second || found.iter().any(|other| finding.is_part_of(other)) {
            continue;
        }
        places.push(finding.token);
        finding.report(errors);
        rules.push(finding.rule);
    }
    rules
}
