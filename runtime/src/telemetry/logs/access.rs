//! The line of a request.
//!
//! Nearly all of it is the same for the requests of a route that ended alike, so that is made once.

use std::io::Write as _;

use http::StatusCode;
use tracing::{Level, Metadata, dispatcher};
use tracing_core::{Kind, callsite::DefaultCallsite, metadata};

use super::{
    Logs,
    line::Line,
    time::{NANOS, digits},
};
use crate::telemetry::{
    clock::Moment,
    route::{Outcome, Series},
    traces::{Ids, OwnSpan},
};

const TARGET: &str = "seaworthy::access";
const PATH: &str = "url.path";
const METHOD_ORIGINAL: &str = "http.request.method_original";

/// What a request was, and how it ended.
pub(crate) struct AccessLine<'a> {
    pub(crate) series: &'a Series,
    pub(crate) outcome: &'a Outcome,
    pub(crate) method_original: Option<&'a str>,
    pub(crate) path: &'a str,
    /// How long it took, in nanoseconds.
    pub(crate) nanos: u64,
    /// When it ended.
    pub(crate) now: Moment,
    pub(crate) ids: Option<Ids>,
}

/// What lines have in common: all between the time and the path.
pub(crate) struct AccessTemplate(Box<[u8]>);

impl AccessLine<'_> {
    /// Writes it, where the filter lets such events through.
    pub(crate) fn log(&self, span: &OwnSpan) {
        if !is_enabled() {
            return;
        }
        if span.with(|tracing| self.write(&tracing.logs)).is_none() {
            self.to_another_subscriber();
        }
    }

    fn write(&self, logs: &Logs) {
        let Self { series, outcome, method_original, path, nanos, now, ids } = self;
        let AccessTemplate(template) = outcome.line(series, logs);
        logs.line(|mut line| {
            line.time(now.unix());
            line.template(template);
            line.text(path);
            if let Some(original) = method_original {
                line.plain_key(METHOD_ORIGINAL);
                line.text(original);
            }
            line.fixed_key(b",\"http.server.request.duration\":", b" http.server.request.duration=");
            seconds(line.out, *nanos);
            line.end(*ids);
        });
    }

    /// Where the process has a subscriber of its own, that gets the line as an event.
    fn to_another_subscriber(&self) {
        let Self { series, outcome, method_original, path, nanos, now: _, ids: _ } = self;
        tracing::info!(
            target: TARGET,
            {
                http.request.method = series.method,
                http.request.method_original = method_original,
                http.route = series.route.as_deref(),
                url.path = path,
                http.response.status_code = outcome.status.map(|status| status.as_u16()),
                http.server.request.duration = *nanos as f64 / NANOS as f64,
                "error.type" = outcome.error.as_deref(),
            },
            "{} {}",
            series.name,
            ending(outcome),
        );
    }
}

/// Whether the filter lets access lines through. `tracing::enabled!` asks it each time, this only if it can't tell for good.
fn is_enabled() -> bool {
    static EVENT: DefaultCallsite = DefaultCallsite::new(&METADATA);
    static METADATA: Metadata<'static> = metadata! {
        name: "access",
        target: TARGET,
        level: Level::INFO,
        fields: &[],
        callsite: &EVENT,
        kind: Kind::EVENT
    };
    let interest = EVENT.interest();
    interest.is_always() || !interest.is_never() && dispatcher::get_default(|dispatch| dispatch.enabled(&METADATA))
}

// === impl AccessTemplate ===

impl AccessTemplate {
    pub(crate) fn new(logs: &Logs, series: &Series, outcome: &Outcome) -> Self {
        let mut out = Vec::new();
        let mut line = Line::new(&mut out, logs.format);
        line.origin(&Level::INFO, TARGET);
        line.message([&series.name, ending(outcome)]);
        let route = series.route.as_deref();
        for (name, value) in [
            ("http.request.method", Some(series.method)),
            ("http.route", route),
            ("error.type", outcome.error.as_deref()),
        ] {
            if let Some(value) = value {
                line.plain_key(name);
                line.text(value);
            }
        }
        if let Some(status) = outcome.status {
            line.plain_key("http.response.status_code");
            line.number(status.as_u16());
        }
        line.plain_key(PATH);
        Self(out.into())
    }
}

/// How the message ends: with the status, or with why there is none.
fn ending(outcome: &Outcome) -> &str {
    outcome.status.as_ref().map(StatusCode::as_str).or(outcome.error.as_deref()).unwrap_or("no status")
}

/// As a number of JSON: `0.000123456`.
fn seconds(out: &mut Vec<u8>, nanos: u64) {
    let (second, nanos) = (nanos / NANOS, nanos % NANOS);
    if second >= 10 {
        _ = write!(out, "{second}.{nanos:09}");
        return;
    }
    let mut number = [b'0' + second as u8, b'.', b'0' + (nanos / 100_000_000) as u8, 0, 0, 0, 0, 0, 0, 0, 0];
    number[3..].copy_from_slice(&digits((nanos % 100_000_000) as u32));
    out.extend_from_slice(&number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_of_seconds() {
        for (nanos, expected) in
            [(0, "0.000000000"), (1, "0.000000001"), (9_999_999_999, "9.999999999"), (12_000_000_000, "12.000000000")]
        {
            let mut out = Vec::new();
            seconds(&mut out, nanos);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
