//! One request: its server span, its metrics, its access line.

use std::net::SocketAddr;

use http::{StatusCode, request::Parts};
use tracing::Span;

/// A request that is being answered. Dropped without `end`, it was cancelled by its client.
pub(crate) struct ServerRequest {
    span: Span,
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

impl ServerRequest {
    /// Begins the span, as a child of what the headers say, and counts the request as active.
    pub(crate) fn begin(
        _request: &Parts,
        _route: Option<&str>,
        _local: SocketAddr,
        _peer: SocketAddr,
    ) -> Self {
        todo!()
    }

    /// The span to run the handler in.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Ends the span, records the metrics and writes the access line. The status is that of the answer, if there was one.
    pub(crate) fn end(self, _ending: Ending, _status: Option<StatusCode>) {
        todo!()
    }
}
