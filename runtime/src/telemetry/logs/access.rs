//! The line of a request.

use std::{io::Write as _, time::Duration};

use http::StatusCode;
use tracing::{Level, Span};

use super::{Logs, line::Line, time::write_digits};
use crate::telemetry::{
    clock::Moment,
    traces::{Ids, Tracing},
};

const TARGET: &str = "seaworthy::access";

/// What a request was, and how it ended.
pub(crate) struct AccessLine<'a> {
    pub(crate) method: &'static str,
    pub(crate) method_original: Option<&'a str>,
    pub(crate) route: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) status: Option<StatusCode>,
    pub(crate) duration: Duration,
    pub(crate) error: Option<&'a str>,
}

impl AccessLine<'_> {
    /// Writes it, where the filter lets such events through.
    pub(crate) fn log(&self, span: &Span, now: Moment, ids: Option<Ids>) {
        if !tracing::event_enabled!(target: TARGET, Level::INFO) {
            return;
        }
        if Tracing::of(span, |tracing, _| self.write(&tracing.logs, now, ids)).is_none() {
            self.to_another_subscriber();
        }
    }

    fn write(&self, logs: &Logs, now: Moment, ids: Option<Ids>) {
        logs.line(now.unix(), |line, time| self.fill(line, time, ids));
    }

    fn fill(&self, mut line: Line<'_>, time: Duration, ids: Option<Ids>) {
        let Self { method, method_original, route, path, status, duration, error } = self;
        let status = status.as_ref().map(StatusCode::as_str);
        line.head(&Level::INFO, TARGET, time);
        line.message(&[method, route.unwrap_or(path), status.or(*error).unwrap_or("no status")]);
        for (name, value) in [
            ("http.request.method", Some(*method)),
            ("http.request.method_original", *method_original),
            ("http.route", *route),
            ("url.path", Some(*path)),
            ("error.type", *error),
        ] {
            if let Some(value) = value {
                line.plain_key(name);
                line.text(value);
            }
        }
        if let Some(status) = status {
            line.plain_key("http.response.status_code");
            line.out.extend_from_slice(status.as_bytes());
        }
        line.plain_key("http.server.request.duration");
        seconds(line.out, *duration);
        line.end(ids);
    }

    /// Where the process has a subscriber of its own, that gets the line as an event.
    fn to_another_subscriber(&self) {
        let Self { method, method_original, route, path, status, duration, error } = self;
        tracing::info!(
            target: TARGET,
            {
                http.request.method = method,
                http.request.method_original = method_original,
                http.route = route,
                url.path = path,
                http.response.status_code = status.map(|status| status.as_u16()),
                http.server.request.duration = duration.as_secs_f64(),
                "error.type" = error,
            },
            "{method} {} {}",
            route.unwrap_or(path),
            status.as_ref().map(StatusCode::as_str).or(*error).unwrap_or("no status"),
        );
    }
}

/// As a number of JSON: `0.000123456`.
fn seconds(out: &mut Vec<u8>, duration: Duration) {
    match duration.as_secs() {
        second @ 0..10 => out.push(b'0' + second as u8),
        more => _ = write!(out, "{more}"),
    }
    out.push(b'.');
    write_digits::<9>(out, duration.subsec_nanos());
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
            seconds(&mut out, Duration::from_nanos(nanos));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
