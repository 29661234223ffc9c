//! One request: its server span, its metrics, its access line.
//!
//! All three are made of the same facts at the same two moments, so they can't tell different stories: one clock, one
//! route, one status, one reason for a failure.
//!
//! An access line looks like an event of the target `seaworthy::access`. `http.server.request.duration` on it is in seconds, like
//! the metric of that name.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};

use http::{StatusCode, request::Parts, uri::PathAndQuery};
use tracing::Span;

use super::{
    attributes,
    clock::Moment,
    logs::AccessLine,
    propagation,
    route::{Outcome, RouteTelemetry, Series},
    traces::{Ids, REQUEST, Tracing, stack, store},
    wire::Value,
};
use crate::config::AccessLog;

/// A request that is being answered. Dropped without `end`, it was cancelled by its client.
pub(crate) struct ServerRequest {
    span: Span,
    /// Those of the span, which outlive it; `None` where a subscriber other than ours is installed.
    ids: Option<Ids>,
    started: Moment,
    route: Arc<RouteTelemetry>,
    method: usize,
    method_original: Option<Box<str>>,
    scheme: usize,
    /// Shares the memory of the request's head.
    path: Option<PathAndQuery>,
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
    ids: Option<Ids>,
}

/// Which requests get an access line, for the whole process.
static ACCESS_LOG: AtomicU8 = AtomicU8::new(AccessLog::All as u8);

/// Sets which requests get an access line.
pub(crate) fn set_access_log(access_log: AccessLog) {
    ACCESS_LOG.store(access_log as u8, Ordering::Relaxed);
}

// === impl ServerRequest ===

impl ServerRequest {
    /// Begins the span, as a child of what the headers say, and counts the request as active.
    pub(crate) fn begin(request: &Parts, route: &Arc<RouteTelemetry>, local: SocketAddr, peer: SocketAddr) -> Self {
        let started = Moment::now();
        let method = attributes::method(&request.method);
        let scheme = attributes::scheme(&request.headers);
        let series = route.series(method, scheme);
        let span = tracing::info_span!(target: REQUEST, parent: None, "request");
        let ids = Tracing::of(&span, |tracing, id| {
            let remote = propagation::extract_context(&request.headers);
            tracing.begin_request(id, remote, started, &series.name, |span| {
                attributes::of_request(span, request, series.method, series.scheme, route.pattern(), local, peer);
            })
        });
        series.active.increment(1.0);
        Self {
            span,
            ids,
            started,
            route: Arc::clone(route),
            method,
            method_original: (method == 0).then(|| request.method.as_str().into()),
            scheme,
            path: request.uri.path_and_query().cloned(),
            ended: false,
        }
    }

    /// When it began.
    pub(crate) fn began(&self) -> Instant {
        self.started.instant()
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
        let now = Moment::now();
        let error = error_type(ending, status.as_ref());
        let series = self.route.series(self.method, self.scheme);
        // Not left to `tracing`, whose span lives as long as any task that the handler left behind.
        let failures = Tracing::of(&self.span, |tracing, id| {
            tracing.end_request(id, now, |span| {
                if let Some(status) = status {
                    span.attribute("http.response.status_code", Value::Int(status.as_u16().into()));
                }
                if let Some(error) = error {
                    span.attribute("error.type", Value::Text(error));
                    span.error("");
                }
            })
        });
        // Its ids are good for lines and exemplars after its end.
        let _in_span = self.ids.map(stack::attach);
        self.count(series, now, ending, status, error);
        for failure in failures.into_iter().flatten() {
            failure.log(status);
        }
        self.log_access(series, now, status, error);
    }

    fn log_access(&self, series: &Series, now: Moment, status: Option<StatusCode>, error: Option<&str>) {
        let access_log = ACCESS_LOG.load(Ordering::Relaxed);
        if access_log == AccessLog::Off as u8 || access_log == AccessLog::Errors as u8 && error.is_none() {
            return;
        }
        let line = AccessLine {
            method: series.method,
            method_original: self.method_original.as_deref(),
            route: self.route.pattern(),
            path: self.path.as_ref().map_or("", PathAndQuery::path),
            status,
            duration: now.since(self.started),
            error,
        };
        line.log(&self.span, now, self.ids);
    }

    fn count(&self, series: &Series, now: Moment, ending: Ending, status: Option<StatusCode>, error: Option<&str>) {
        series.active.decrement(1.0);
        match ending {
            Ending::Shed => {
                metrics::counter!("seaworthy_requests_shed_total", "reason" => "in_flight").increment(1);
            }
            Ending::Cut => {
                metrics::counter!("seaworthy_requests_cut_total", "http_route" => self.route.label()).increment(1);
            }
            Ending::Panicked => {
                metrics::counter!("seaworthy_panics_total", "http_route" => self.route.label()).increment(1);
            }
            Ending::Answered | Ending::TimedOut | Ending::Cancelled => {}
        }
        let seconds = now.since(self.started).as_secs_f64();
        self.route.record(series, seconds, Outcome { ending, status }, error, self.ids);
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
    /// Of the handler in whose span this is called.
    pub(crate) fn new(function: &'static str, error: String) -> Self {
        Self { function, error, ids: stack::current_ids() }
    }

    /// Gives the failure to the request that it belongs to, or logs it where there is none: in a unit test, or in a task
    /// that went on after the answer.
    pub(crate) fn record(self) {
        if let Some(failure) = self.offered() {
            failure.log(None);
        }
    }

    /// Gives it to the request, or back.
    fn offered(self) -> Option<Self> {
        let span = stack::current(|entered| entered.span.as_ref().map(|(id, _)| id.clone())).flatten();
        let Some(request) = span.and_then(|id| store::with(&id, |data| data.request.clone()).flatten()) else {
            return Some(self);
        };
        let mut rest = Some(self);
        store::with(&request, |data| {
            if let Some(failures) = &mut data.failures {
                failures.extend(rest.take());
            }
        });
        rest
    }

    /// Logs it in the span of the handler. What the client did wrong is nothing to wake up for.
    fn log(self, status: Option<StatusCode>) {
        let Self { function, error, ids } = self;
        let _in_span = ids.map(stack::attach);
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

#[cfg(test)]
mod tests;
