//! Which events become lines: `RUST_LOG`, and what replaces it while the service runs.
//!
//! `level`, `target` or `target=level`, with commas between them. Directives about spans and their fields, which
//! `tracing_subscriber::EnvFilter` has too, are refused: they make whether an event is wanted a question to be asked at each
//! event, and bring a regex engine into every binary.

use std::sync::{PoisonError, RwLock};

use tracing::{Metadata, level_filters::LevelFilter};
use tracing_subscriber::filter::Targets;

/// What is logged where nothing else is asked for.
const DEFAULT: LevelFilter = LevelFilter::INFO;

/// The filter that is in force.
pub(crate) struct Filter(RwLock<Targets>);

/// The filter for a text that somebody sends, or what is wrong with it.
pub(crate) fn checked_filter(directives: &str) -> Result<Targets, String> {
    let good = split(directives).map(checked).collect::<Result<Vec<_>, _>>()?;
    if good.is_empty() {
        return Err("expected directives, such as `info` or `info,my_service=debug`".into());
    }
    parse(&good.join(","))
}

/// The filter to start with. Directives that can't be used are left out, and said.
pub(crate) fn initial_filter(directives: Option<&str>) -> (Targets, Vec<String>) {
    let mut good = Vec::new();
    let mut warnings = Vec::new();
    for directive in split(directives.unwrap_or_default()) {
        match checked(directive) {
            Ok(directive) => good.push(directive),
            Err(error) => warnings.push(format!("a part of RUST_LOG is ignored: {error}")),
        }
    }
    let filter = checked_filter(&good.join(",")).unwrap_or_else(|_| Targets::new().with_default(DEFAULT));
    (filter, warnings)
}

fn split(directives: &str) -> impl Iterator<Item = &str> {
    directives.split(',').map(str::trim).filter(|directive| !directive.is_empty())
}

/// Gives the directive back, if it is one.
fn checked(directive: &str) -> Result<&str, String> {
    if directive.contains('[') {
        return Err(format!("{directive:?} names spans or fields: a log filter is of targets, as `my_service=debug`"));
    }
    if directive.split('=').any(|part| part.trim().is_empty()) {
        return Err(format!("{directive:?} is no log filter: expected `target=level`"));
    }
    parse(directive).map(|_| directive)
}

fn parse(directives: &str) -> Result<Targets, String> {
    directives.parse().map_err(|error| format!("{directives:?} is no log filter: {error}"))
}

// === impl Filter ===

impl Filter {
    pub(crate) fn new(targets: Targets) -> Self {
        Self(RwLock::new(targets))
    }

    /// Lets everything through.
    #[cfg(test)]
    pub(crate) fn all() -> Self {
        Self::new(Targets::new().with_default(LevelFilter::TRACE))
    }

    /// Puts another filter in the place of this one.
    pub(crate) fn replace(&self, targets: Targets) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = targets;
        tracing::callsite::rebuild_interest_cache();
    }

    /// Whether an event becomes a line.
    pub(crate) fn is_wanted(&self, event: &Metadata<'_>) -> bool {
        self.ask(|targets| targets.would_enable(event.target(), event.level()))
    }

    /// The most that is wanted of anything.
    pub(crate) fn max_level(&self) -> LevelFilter {
        self.ask(|targets| {
            let default = targets.default_level().unwrap_or(LevelFilter::OFF);
            targets.iter().map(|(_, level)| level).fold(default, Ord::max)
        })
    }

    fn ask<T>(&self, ask: impl FnOnce(&Targets) -> T) -> T {
        ask(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_directives_stay_when_others_are_bad() {
        for (directives, warnings, filter) in [
            (None, 0, "info"),
            (Some("debug"), 0, "debug"),
            (Some("my_service=trace,info"), 0, "my_service=trace,info"),
            (Some("my_service=loud,warn"), 1, "warn"),
            (Some("=,=,="), 3, "info"),
            (Some("a=b=c"), 1, "info"),
            (Some(" , "), 0, "info"),
            (Some("[span{a=1}]=debug,warn"), 1, "warn"),
            (Some("warn,[span]=debug,my_service[{a}]=info"), 2, "warn"),
        ] {
            let (built, said) = initial_filter(directives);
            assert_eq!(said.len(), warnings, "{directives:?}: {said:?}");
            let mut parts: Vec<_> = built.to_string().split(',').map(str::to_owned).collect();
            let mut expected: Vec<_> = filter.split(',').map(str::to_owned).collect();
            parts.sort();
            expected.sort();
            assert_eq!(parts, expected);
        }
    }

    #[test]
    fn a_bad_filter_is_refused() {
        for bad in ["", "  ", "my_service=loud", "a=b=c", "[span]=debug", "my_service[span]", "my_service=", "=info"] {
            assert!(checked_filter(bad).is_err(), "{bad:?}");
        }
        let filter = checked_filter(" info , my_service=debug,").unwrap();
        assert_eq!(filter, Targets::new().with_default(DEFAULT).with_target("my_service", LevelFilter::DEBUG));
    }
}
