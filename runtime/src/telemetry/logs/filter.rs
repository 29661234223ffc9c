//! Which events become lines: `RUST_LOG`, and what replaces it while the service runs.
//!
//! Spans that become part of a trace pass whatever it says. Others pass only for directives that name spans.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use tracing::{
    Metadata,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{EnvFilter, Layer, layer::Context};

use crate::telemetry::traces::{Tracing, is_recorded};

/// What is logged where nothing else is asked for.
const DEFAULT: &str = "info";

/// The filter, over the subscriber of spans and logs.
#[derive(Clone)]
pub(crate) struct FilterLayer(Arc<Shared>);

struct Shared {
    filter: RwLock<EnvFilter>,
    /// Whether the filter wants to know which spans are entered.
    follows_spans: AtomicBool,
}

/// The filter for a text that somebody sends, or what is wrong with it.
pub(crate) fn checked_filter(directives: &str) -> Result<EnvFilter, String> {
    let directives = directives.trim();
    if directives.is_empty() {
        return Err("expected directives, such as `info` or `info,my_service=debug`".into());
    }
    EnvFilter::builder()
        .with_regex(false)
        .parse(directives)
        .map_err(|error| format!("{directives:?} is no log filter: {error}"))
}

/// The filter to start with. Directives that can't be used are left out, and said.
pub(crate) fn initial_filter(directives: Option<&str>) -> (EnvFilter, Vec<String>) {
    let directives = directives.unwrap_or(DEFAULT);
    let mut good = Vec::new();
    let mut warnings = Vec::new();
    for directive in directives.split(',').map(str::trim) {
        if directive.is_empty() {
            continue;
        }
        match checked_filter(directive) {
            Ok(_) => good.push(directive),
            Err(error) => warnings.push(format!("a part of RUST_LOG is ignored: {error}")),
        }
    }
    let filter = checked_filter(&good.join(",")).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    (filter, warnings)
}

// === impl FilterLayer ===

impl FilterLayer {
    pub(crate) fn new(filter: EnvFilter) -> Self {
        let follows_spans = AtomicBool::new(follows_spans(&filter));
        Self(Arc::new(Shared { filter: RwLock::new(filter), follows_spans }))
    }

    /// Puts another filter in the place of this one.
    pub(crate) fn replace(&self, filter: EnvFilter) {
        self.0.follows_spans.store(follows_spans(&filter), Ordering::Relaxed);
        *self.0.filter.write().unwrap_or_else(PoisonError::into_inner) = filter;
        tracing::callsite::rebuild_interest_cache();
    }

    /// Whether it wants to know which spans are entered.
    pub(crate) fn follows_spans(&self) -> bool {
        self.0.follows_spans.load(Ordering::Relaxed)
    }

    fn filter<T>(&self, ask: impl FnOnce(&EnvFilter) -> T) -> T {
        ask(&self.0.filter.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn follow(&self, tell: impl FnOnce(&EnvFilter)) {
        if self.follows_spans() {
            self.filter(tell);
        }
    }
}

/// Directives in brackets are about spans.
fn follows_spans(filter: &EnvFilter) -> bool {
    filter.to_string().contains('[')
}

impl Layer<Tracing> for FilterLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let interest = self.filter(|filter| Layer::<Tracing>::register_callsite(filter, metadata));
        if !metadata.is_span() {
            interest
        } else if is_recorded(metadata) {
            Interest::always()
        } else if self.follows_spans() {
            interest
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, Tracing>) -> bool {
        if metadata.is_span() && (is_recorded(metadata) || !self.follows_spans()) {
            return is_recorded(metadata);
        }
        self.filter(|filter| filter.enabled(metadata, context))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.filter(|filter| filter.max_level_hint().map(|level| level.max(LevelFilter::INFO)))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, Tracing>) {
        self.follow(|filter| filter.on_new_span(attributes, id, context));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, Tracing>) {
        self.follow(|filter| filter.on_record(id, values, context));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, Tracing>) {
        self.follow(|filter| filter.on_enter(id, context));
    }

    fn on_exit(&self, id: &Id, context: Context<'_, Tracing>) {
        self.follow(|filter| filter.on_exit(id, context));
    }

    fn on_close(&self, id: Id, context: Context<'_, Tracing>) {
        self.follow(|filter| filter.on_close(id, context));
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
            (Some("[span{a=1}]=debug,warn"), 0, "[span{a=1}]=debug,warn"),
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
        for bad in ["", "  ", "my_service=loud", "a=b=c"] {
            assert!(checked_filter(bad).is_err(), "{bad:?}");
        }
        assert!(checked_filter("info,my_service=debug").is_ok());
    }
}
