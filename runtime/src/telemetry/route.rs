//! What the telemetry of a route's requests has in common: made once, found without a hash, and copied rather than made
//! again.

use std::{
    borrow::Cow,
    sync::{OnceLock, atomic::AtomicUsize},
};

use http::StatusCode;

use super::{
    attributes::{self, METHODS, SCHEMES},
    clock::Moment,
    logs::{AccessTemplate, Logs},
    metrics::Histogram,
    request::Ending,
    traces::{
        Ids,
        span::{Encoded, Kind},
    },
    wire::Value,
};

/// How many outcomes of a method on a route are at hand. There may be more, which are made each time.
const OUTCOMES: usize = 8;

/// The telemetry of one route.
pub(crate) struct RouteTelemetry {
    pattern: Option<Box<str>>,
    /// How many of its requests are being answered, and how many connections are open that one of them upgraded.
    pub(crate) in_flight: AtomicUsize,
    /// By method and scheme, as they come.
    series: [OnceLock<Box<Series>>; METHODS.len() * SCHEMES.len()],
}

/// The telemetry of a method on a route, in one scheme.
pub(crate) struct Series {
    /// Of its server spans, and of its access lines.
    pub(crate) name: Cow<'static, str>,
    pub(crate) method: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) route: Option<Box<str>>,
    /// What its server spans begin with: name, kind, method, route, scheme.
    pub(crate) span: Encoded,
    /// How many are being answered.
    pub(crate) active: metrics::Gauge,
    outcomes: [OnceLock<Box<Outcome>>; OUTCOMES],
}

/// What requests of one series that ended alike have in common.
pub(crate) struct Outcome {
    ending: Ending,
    pub(crate) status: Option<StatusCode>,
    /// `error.type`: why the request failed, if it did.
    pub(crate) error: Option<Box<str>>,
    /// What their spans end with.
    pub(crate) span: Encoded,
    durations: Histogram,
    line: OnceLock<AccessTemplate>,
}

// === impl RouteTelemetry ===

impl RouteTelemetry {
    /// Of the route with that pattern; `None` where no route matches.
    pub(crate) fn new(pattern: Option<&str>) -> Self {
        Self {
            pattern: pattern.map(Into::into),
            in_flight: AtomicUsize::new(0),
            series: [const { OnceLock::new() }; _],
        }
    }

    /// As it was given to the router; `None` where no route matches.
    pub(crate) fn pattern(&self) -> Option<&str> {
        self.pattern.as_deref()
    }

    /// `http_route`. A path that no route matched has none, so that clients can't make series.
    pub(crate) fn label(&self) -> String {
        self.pattern.as_deref().unwrap_or_default().to_owned()
    }

    /// That of a method and a scheme, by their place in [`METHODS`] and [`SCHEMES`].
    pub(crate) fn series(&self, method: usize, scheme: usize) -> &Series {
        self.series[method * SCHEMES.len() + scheme]
            .get_or_init(|| Box::new(Series::new(METHODS[method], SCHEMES[scheme], self.pattern())))
    }
}

impl std::fmt::Debug for RouteTelemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouteTelemetry").field("pattern", &self.pattern).finish_non_exhaustive()
    }
}

// === impl Series ===

impl Series {
    fn new(method: &'static str, scheme: &'static str, route: Option<&str>) -> Self {
        let name = attributes::span_name(method, route);
        let mut span = Encoded::default();
        span.name(&name);
        span.kind(Kind::Server);
        span.attribute("http.request.method", Value::Text(method));
        if let Some(route) = route {
            span.attribute("http.route", Value::Text(route));
        }
        span.attribute("url.scheme", Value::Text(scheme));
        Self {
            name,
            method,
            scheme,
            route: route.map(Into::into),
            span,
            active: metrics::gauge!(
                "http_server_active_requests",
                "http_request_method" => method,
                "url_scheme" => scheme,
            ),
            outcomes: [const { OnceLock::new() }; _],
        }
    }

    /// Calls the function with an outcome.
    pub(crate) fn with_outcome<T>(
        &self,
        ending: Ending,
        status: Option<StatusCode>,
        call: impl FnOnce(&Outcome) -> T,
    ) -> T {
        for place in &self.outcomes {
            let outcome = place.get_or_init(|| Box::new(Outcome::new(self, ending, status)));
            if (outcome.ending, outcome.status) == (ending, status) {
                return call(outcome);
            }
        }
        call(&Outcome::new(self, ending, status))
    }
}

// === impl Outcome ===

impl Outcome {
    fn new(series: &Series, ending: Ending, status: Option<StatusCode>) -> Self {
        let error = error_type(ending, status.as_ref());
        let mut span = Encoded::default();
        if let Some(status) = status {
            span.attribute("http.response.status_code", Value::Int(status.as_u16().into()));
        }
        if let Some(error) = error {
            span.attribute("error.type", Value::Text(error));
            span.error("");
        }
        let labels = [
            ("http_request_method", series.method),
            ("http_route", series.route.as_deref().unwrap_or_default()),
            ("http_response_status_code", status.as_ref().map_or("", StatusCode::as_str)),
            ("url_scheme", series.scheme),
            ("error_type", error.unwrap_or_default()),
        ];
        let labels = labels.into_iter().map(|(key, value)| metrics::Label::new(key, value.to_owned())).collect();
        Self {
            ending,
            status,
            error: error.map(Into::into),
            span,
            durations: Histogram::new("http_server_request_duration_seconds", labels),
            line: OnceLock::new(),
        }
    }

    /// Records how long a request took, in nanoseconds, with its trace as an example where that is kept.
    pub(crate) fn record(&self, nanos: u64, at: Moment, ids: Option<Ids>) {
        let seconds = nanos as f64 / 1e9;
        match ids {
            Some(Ids { trace, span, sampled: true, .. }) => {
                self.durations.record_with_exemplar(seconds, trace, span, at)
            }
            _ => self.durations.record(seconds),
        }
    }

    /// What the access lines have in common.
    pub(crate) fn line(&self, series: &Series, logs: &Logs) -> &AccessTemplate {
        self.line.get_or_init(|| AccessTemplate::new(logs, series, self))
    }
}

/// `error.type`: why the request failed, if it did. What the client did wrong is no failure of the service.
fn error_type(ending: Ending, status: Option<&StatusCode>) -> Option<&str> {
    match ending {
        Ending::Answered => status.filter(|status| status.is_server_error()).map(StatusCode::as_str),
        Ending::Panicked => Some("panic"),
        Ending::TimedOut => Some("timeout"),
        Ending::Cancelled => Some("cancelled"),
        Ending::Shed => Some("shed"),
        Ending::Cut => Some("cut"),
    }
}
