//! One request: its server span, its metrics, its access line.
//!
//! All three are made of the same facts at the same two moments, so they can't tell different stories: one clock, one
//! route, one status, one reason for a failure.
//!
//! An access line is an event of the target `seaworthy::access`. `http.server.request.duration` on it is in seconds, like
//! the metric of that name.

use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};

use http::{StatusCode, request::Parts};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, Status, TraceContextExt},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{attributes, metrics::Histogram, propagation};
use crate::config::AccessLog;

/// A request that is being answered. Dropped without `end`, it was cancelled by its client.
pub(crate) struct ServerRequest {
    span: Span,
    /// The context of the span, which outlives what `tracing` knows of it.
    context: Context,
    started: Instant,
    method: &'static str,
    method_original: Option<String>,
    scheme: &'static str,
    path: String,
    route: Option<String>,
    ended: bool,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The handler's answer was sent.
    Answered,
    /// The handler panicked.
    Panicked,
    /// The handler passed its deadline.
    TimedOut,
    /// The client went away.
    Cancelled,
    /// There were too many requests in flight.
    Shed,
    /// It was cut at the drain's deadline.
    Cut,
}

/// An error that a handler returned. It is logged once the status is known that it led to.
pub(crate) struct Failure {
    /// `code.function.name`.
    pub(crate) function: &'static str,
    pub(crate) error: String,
    /// The span of the handler.
    pub(crate) span: SpanContext,
}

/// The failures of a request that is not answered yet; `None` once it is.
struct Failures(Mutex<Option<Vec<Failure>>>);

/// Which requests get an access line, for the whole process.
static ACCESS_LOG: AtomicU8 = AtomicU8::new(AccessLog::All as u8);

/// Sets which requests get an access line.
pub(crate) fn set_access_log(access_log: AccessLog) {
    ACCESS_LOG.store(access_log as u8, Ordering::Relaxed);
}

// === impl ServerRequest ===

impl ServerRequest {
    /// Begins the span, as a child of what the headers say, and counts the request as active.
    pub(crate) fn begin(request: &Parts, route: Option<&str>, local: SocketAddr, peer: SocketAddr) -> Self {
        let started = Instant::now();
        let method = attributes::method_name(&request.method);
        let scheme = attributes::scheme(&request.headers);
        let name = attributes::span_name(method, route);
        let span = tracing::info_span!(
            parent: None,
            "request",
            otel.name = &*name,
            otel.kind = "server",
        );
        let parent = propagation::extract_context(&request.headers).with_value(Failures(Mutex::new(Some(Vec::new()))));
        // Fails where a subscriber other than ours is installed: then there are no traces.
        _ = span.set_parent(parent);
        let context = span.context();
        context.span().set_attributes(attributes::of_request(request, method, scheme, route, local, peer));
        active(method, scheme).increment(1.0);
        Self {
            span,
            context,
            started,
            method,
            method_original: (method == "_OTHER").then(|| request.method.to_string()),
            scheme,
            path: request.uri.path().to_owned(),
            route: route.map(str::to_owned),
            ended: false,
        }
    }

    /// The span to run the handler in.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Ends the span, records the metrics and writes the access line. The status is that of the answer, if there was one.
    pub(crate) fn end(mut self, ending: Ending, status: Option<StatusCode>) {
        self.finish(ending, status);
    }

    fn finish(&mut self, ending: Ending, status: Option<StatusCode>) {
        self.ended = true;
        let seconds = self.started.elapsed().as_secs_f64();
        let error = error_type(ending, status);
        let span = self.context.span();
        if let Some(status) = status {
            let code = i64::from(status.as_u16());
            span.set_attribute(KeyValue::new("http.response.status_code", code));
        }
        if let Some(error) = &error {
            span.set_attribute(KeyValue::new("error.type", error.clone()));
            span.set_status(Status::error(""));
        }
        // Not left to `tracing`, whose span lives as long as any task that the handler left behind.
        span.end();
        self.count(seconds, ending, status, error.as_deref());
        // Its ids are good for lines after its end.
        let _in_span = self.context.clone().attach();
        self.log_failures(status);
        self.log_access(seconds, status, error.as_deref());
    }

    fn log_failures(&self, status: Option<StatusCode>) {
        let failures = self.context.get::<Failures>().and_then(Failures::close);
        for failure in failures.into_iter().flatten() {
            failure.log(status);
        }
    }

    fn log_access(&self, seconds: f64, status: Option<StatusCode>, error: Option<&str>) {
        let access_log = ACCESS_LOG.load(Ordering::Relaxed);
        if access_log == AccessLog::Off as u8 || access_log == AccessLog::Errors as u8 && error.is_none() {
            return;
        }
        let outcome: Cow<'_, str> = match (status, error) {
            (Some(status), _) => status.as_str().to_owned().into(),
            (None, error) => error.unwrap_or("no status").into(),
        };
        tracing::info!(
            target: "seaworthy::access",
            {
                http.request.method = self.method,
                http.request.method_original = self.method_original.as_deref(),
                http.route = self.route.as_deref(),
                url.path = self.path.as_str(),
                http.response.status_code = status.map(|status| status.as_u16()),
                http.server.request.duration = seconds,
                "error.type" = error,
            },
            "{} {} {outcome}",
            self.method,
            self.route.as_deref().unwrap_or(&self.path),
        );
    }

    fn count(&self, seconds: f64, ending: Ending, status: Option<StatusCode>, error: Option<&str>) {
        active(self.method, self.scheme).decrement(1.0);
        // A path that no route matched has no label, so that clients can't make series.
        let route = self.route.clone().unwrap_or_default();
        match ending {
            Ending::Shed => {
                metrics::counter!("seaworthy_requests_shed_total", "reason" => "in_flight").increment(1);
            }
            Ending::Cut => {
                metrics::counter!("seaworthy_requests_cut_total", "http_route" => route.clone()).increment(1);
            }
            Ending::Panicked => {
                metrics::counter!("seaworthy_panics_total", "http_route" => route.clone()).increment(1);
            }
            Ending::Answered | Ending::TimedOut | Ending::Cancelled => {}
        }
        let labels = [
            ("http_request_method", self.method.into()),
            ("http_route", route),
            ("http_response_status_code", status.map(|status| status.as_str().to_owned()).unwrap_or_default()),
            ("url_scheme", self.scheme.into()),
            ("error_type", error.unwrap_or_default().to_owned()),
        ];
        let labels = labels.into_iter().map(|(key, value)| metrics::Label::new(key, value)).collect();
        let duration = Histogram::new("http_server_request_duration_seconds", labels);
        let span = self.context.span();
        let ids = span.span_context();
        if ids.is_sampled() {
            let trace_id = u128::from_be_bytes(ids.trace_id().to_bytes());
            duration.record_with_exemplar(seconds, trace_id, u64::from_be_bytes(ids.span_id().to_bytes()));
        } else {
            duration.record(seconds);
        }
    }
}

impl Drop for ServerRequest {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(Ending::Cancelled, None);
        }
    }
}

// === impl Failure ===

impl Failure {
    /// Gives the failure to the request that it belongs to, or logs it where there is none: in a unit test, or in a task
    /// that went on after the answer.
    pub(crate) fn record(self) {
        let rest = Context::map_current(|context| match context.get::<Failures>() {
            Some(failures) => failures.add(self),
            None => Some(self),
        });
        if let Some(failure) = rest {
            failure.log(None);
        }
    }

    /// Logs it in the span of the handler. What the client did wrong is nothing to wake up for.
    fn log(self, status: Option<StatusCode>) {
        let Self { function, error, span } = self;
        let _in_span = Context::new().with_remote_span_context(span).attach();
        let code = status.map(|status| status.as_u16());
        if code.is_some_and(|code| code < 500) {
            tracing::info!(
                target: "seaworthy::handler",
                { code.function.name = function, http.response.status_code = code },
                "{error}"
            );
        } else {
            tracing::error!(
                target: "seaworthy::handler",
                { code.function.name = function, http.response.status_code = code },
                "{error}"
            );
        }
    }
}

// === impl Failures ===

impl Failures {
    /// Takes a failure, or gives it back where the request is answered.
    fn add(&self, failure: Failure) -> Option<Failure> {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.as_mut() {
            Some(failures) => {
                failures.push(failure);
                None
            }
            None => Some(failure),
        }
    }

    fn close(&self) -> Option<Vec<Failure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn active(method: &'static str, scheme: &'static str) -> metrics::Gauge {
    metrics::gauge!(
        "http_server_active_requests",
        "http_request_method" => method,
        "url_scheme" => scheme,
    )
}

/// `error.type`: why the request failed, if it did. What the client did wrong is no failure of the service.
fn error_type(ending: Ending, status: Option<StatusCode>) -> Option<Cow<'static, str>> {
    match ending {
        Ending::Answered => status.filter(StatusCode::is_server_error).map(|status| status.as_str().to_owned().into()),
        Ending::Panicked => Some("panic".into()),
        Ending::TimedOut => Some("timeout".into()),
        Ending::Cancelled => Some("cancelled".into()),
        Ending::Shed => Some("shed".into()),
        Ending::Cut => Some("cut".into()),
    }
}

#[cfg(test)]
mod tests;
