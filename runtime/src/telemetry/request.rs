//! One request: its server span, its metrics, its access line.
//!
//! All three are made of the same facts at the same two moments, so they can't tell different stories: one clock, one
//! route, one status, one reason for a failure.
//!
//! An access line looks like an event of the target `seaworthy::access`. `http.server.request.duration` on it is in
//! seconds, like the metric of that name.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use http::{Request, StatusCode, uri::PathAndQuery};

use super::{
    attributes::{self, PeerTelemetry, Seen},
    clock::Moment,
    logs::AccessLine,
    propagation::{self, Remote},
    route::{Outcome, RouteTelemetry},
    traces::{Ids, Inside, OwnSpan, stack, store},
};
use crate::config::AccessLog;

/// A request that is being answered. Dropped before its end, it was cancelled by its client.
pub(crate) struct ServerRequest {
    span: OwnSpan,
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
    function: &'static str,
    error: String,
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
    pub(crate) fn begin<B>(request: &Request<B>, route: &Arc<RouteTelemetry>, peer: &PeerTelemetry) -> Self {
        let started = Moment::now();
        let seen = Seen::of(request.headers());
        let method = attributes::method(request.method());
        let scheme = seen.scheme();
        let series = route.series(method, scheme);
        let remote = if seen.has_context { propagation::extract_context(request.headers()) } else { Remote::default() };
        let span = OwnSpan::request(remote, started, |span| {
            span.fields(&series.span);
            peer.describe(span, request, &seen, series);
        });
        series.active.increment(1.0);
        Self {
            span,
            started,
            route: Arc::clone(route),
            method,
            method_original: (method == attributes::OTHER_METHOD).then(|| request.method().as_str().into()),
            scheme,
            path: request.uri().path_and_query().cloned(),
            ended: false,
        }
    }

    pub(crate) fn route(&self) -> &Arc<RouteTelemetry> {
        &self.route
    }

    /// How long ago it began.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_nanos(Moment::now().since(self.started))
    }

    /// Enters its span, to run the handler in.
    pub(crate) fn enter(&self) -> Inside {
        self.span.enter()
    }

    /// Ends the span, records the metrics and writes the access line. The status is that of the answer, if there was
    /// one.
    pub(crate) fn end(&mut self, ending: Ending, status: Option<StatusCode>) {
        let Self { span, started, route, method, method_original, scheme, path, ended } = self;
        *ended = true;
        let now = Moment::now();
        let nanos = now.since(*started);
        let series = route.series(*method, *scheme);
        series.with_outcome(ending, status, |outcome| {
            // Not left to the end of the span, which lives as long as any task that the handler left behind.
            let failures = span.end_request(now, |span| span.fields(&outcome.span));
            let ids = span.ids();
            series.active.decrement(1.0);
            count(ending, route);
            outcome.record(nanos, now, ids);
            for failure in failures {
                failure.log(status);
            }
            if is_logged(outcome) {
                let path = path.as_ref().map_or("", PathAndQuery::path);
                let line =
                    AccessLine { series, outcome, method_original: method_original.as_deref(), path, nanos, now, ids };
                line.log(span);
            }
        });
    }
}

/// Counts what went wrong.
fn count(ending: Ending, route: &RouteTelemetry) {
    match ending {
        Ending::Shed => {
            metrics::counter!("seaworthy_requests_shed_total", "reason" => "in_flight").increment(1);
        }
        Ending::Cut => {
            metrics::counter!("seaworthy_requests_cut_total", "http_route" => route.label()).increment(1);
        }
        Ending::Panicked => {
            metrics::counter!("seaworthy_panics_total", "http_route" => route.label()).increment(1);
        }
        Ending::Answered | Ending::TimedOut | Ending::Cancelled => {}
    }
}

/// Whether a request that ended so gets an access line.
fn is_logged(outcome: &Outcome) -> bool {
    let access_log = ACCESS_LOG.load(Ordering::Relaxed);
    access_log == AccessLog::All as u8 || access_log == AccessLog::Errors as u8 && outcome.error.is_some()
}

impl Drop for ServerRequest {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Ending::Cancelled, None);
        }
    }
}

// === impl Failure ===

impl Failure {
    /// Of the handler in whose span this is called.
    pub(crate) fn new(function: &'static str, error: String) -> Self {
        Self { function, error, ids: stack::current_ids() }
    }

    /// Gives the failure to the request that it belongs to, or logs it where there is none: in a unit test, or in a
    /// task that went on after the answer.
    pub(crate) fn record(self) {
        if let Some(failure) = self.offered() {
            failure.log(None);
        }
    }

    /// Gives it to the request, or back.
    fn offered(self) -> Option<Self> {
        let Some(request) =
            stack::current_span().and_then(|id| store::with(&id, |data| data.request.clone()).flatten())
        else {
            return Some(self);
        };
        let mut rest = Some(self);
        store::with(&request, |data| {
            if data.takes_failures {
                data.failures.extend(rest.take());
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

#[cfg(test)]
mod tests;
