//! What the telemetry of a route's requests has in common: names and series, made once and found without a hash.

use std::{borrow::Cow, sync::OnceLock};

use http::StatusCode;

use super::{
    attributes::{self, METHODS, SCHEMES},
    metrics::Histogram,
    request::Ending,
    traces::Ids,
};

/// How many outcomes of a method on a route have a series at hand. There may be more, which cost a search.
const OUTCOMES: usize = 8;

/// The telemetry of one route.
pub(crate) struct RouteTelemetry {
    pattern: Option<Box<str>>,
    /// By method and scheme, as they come.
    series: [OnceLock<Box<Series>>; METHODS.len() * SCHEMES.len()],
}

/// The telemetry of a method on a route, in one scheme.
pub(crate) struct Series {
    /// Of its server spans.
    pub(crate) name: Cow<'static, str>,
    pub(crate) method: &'static str,
    pub(crate) scheme: &'static str,
    /// How many are being answered.
    pub(crate) active: metrics::Gauge,
    durations: [OnceLock<(Outcome, Histogram)>; OUTCOMES],
}

/// What tells one series of durations of a method on a route from another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) ending: Ending,
    pub(crate) status: Option<StatusCode>,
}

// === impl RouteTelemetry ===

impl RouteTelemetry {
    /// Of the route with that pattern; `None` where no route matches.
    pub(crate) fn new(pattern: Option<&str>) -> Self {
        Self { pattern: pattern.map(Into::into), series: [const { OnceLock::new() }; _] }
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

    /// Records how long a request took, with its trace as an example where that is kept.
    pub(crate) fn record(
        &self,
        series: &Series,
        seconds: f64,
        outcome: Outcome,
        error: Option<&str>,
        ids: Option<Ids>,
    ) {
        let record = |histogram: &Histogram| match ids {
            Some(Ids { trace, span, sampled: true, .. }) => histogram.record_with_exemplar(seconds, trace, span),
            _ => histogram.record(seconds),
        };
        for place in &series.durations {
            match place.get() {
                Some((known, histogram)) if *known == outcome => return record(histogram),
                Some(_) => {}
                None => {
                    let histogram = self.duration(series, outcome, error);
                    record(&histogram);
                    // Where another thread came first, the next time is ours.
                    _ = place.set((outcome, histogram));
                    return;
                }
            }
        }
        record(&self.duration(series, outcome, error));
    }

    fn duration(&self, series: &Series, outcome: Outcome, error: Option<&str>) -> Histogram {
        let labels = [
            ("http_request_method", series.method.to_owned()),
            ("http_route", self.label()),
            ("http_response_status_code", outcome.status.map(|status| status.as_str().to_owned()).unwrap_or_default()),
            ("url_scheme", series.scheme.to_owned()),
            ("error_type", error.unwrap_or_default().to_owned()),
        ];
        let labels = labels.into_iter().map(|(key, value)| metrics::Label::new(key, value)).collect();
        Histogram::new("http_server_request_duration_seconds", labels)
    }
}

impl std::fmt::Debug for RouteTelemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouteTelemetry").field("pattern", &self.pattern).finish_non_exhaustive()
    }
}

// === impl Series ===

impl Series {
    fn new(method: &'static str, scheme: &'static str, pattern: Option<&str>) -> Self {
        Self {
            name: attributes::span_name(method, pattern),
            method,
            scheme,
            active: metrics::gauge!(
                "http_server_active_requests",
                "http_request_method" => method,
                "url_scheme" => scheme,
            ),
            durations: [const { OnceLock::new() }; _],
        }
    }
}
