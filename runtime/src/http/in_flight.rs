//! A request in flight: from its routing until the last byte of its answer is handed on, or will never be.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, Version, header::CONNECTION};
use http_body::Body as _;

use super::{body::AnswerBody, connection::Connection};
use crate::{
    lifecycle::State,
    telemetry::{Ending, Inside, ServerRequest},
};

/// The largest body, in bytes, that is not watched until its end.
const SMALL: u64 = 16 * 1024;

/// A request in flight: dropped before [`end`](InFlight::end), it was cancelled or cut.
pub(super) struct InFlight {
    /// `None` once it ended.
    telemetry: Option<ServerRequest>,
    pub(super) connection: Arc<Connection>,
}

// === impl InFlight ===

impl InFlight {
    pub(super) fn begin(connection: Arc<Connection>, telemetry: ServerRequest) -> Self {
        connection.traffic.in_flight.fetch_add(1, Ordering::Relaxed);
        telemetry.route().in_flight.fetch_add(1, Ordering::Relaxed);
        Self { telemetry: Some(telemetry), connection }
    }

    /// How long ago the request began.
    pub(super) fn elapsed(&self) -> Duration {
        self.telemetry.as_ref().map(ServerRequest::elapsed).unwrap_or_default()
    }

    /// Enters its span.
    pub(super) fn enter(&self) -> Option<Inside> {
        self.telemetry.as_ref().map(ServerRequest::enter)
    }

    /// Sends an answer; the request ends with the last byte of its body. That of a small one is in hyper's buffer by
    /// the time anybody could look.
    pub(super) fn answer(request: &mut Option<Self>, mut answer: Response, version: Version) -> Response {
        let Some(in_flight) = request else { return answer };
        in_flight.say_goodbye(&mut answer, version);
        let status = answer.status();
        if status == StatusCode::SWITCHING_PROTOCOLS
            && let Some(telemetry) = &in_flight.telemetry
        {
            in_flight.connection.upgrade(telemetry.route());
        }
        if answer.body().size_hint().exact().is_some_and(|size| size <= SMALL) {
            in_flight.end(Ending::Answered, Some(status));
            return answer;
        }
        match request.take() {
            Some(in_flight) => answer.map(|body| Body::new(AnswerBody::new(body, in_flight, status))),
            None => answer,
        }
    }

    /// Sends an answer of our own, and ends the request as what it was.
    pub(super) fn fail(&mut self, ending: Ending, mut answer: Response, version: Version) -> Response {
        self.say_goodbye(&mut answer, version);
        self.end(ending, Some(answer.status()));
        answer
    }

    /// Once the service is leaving, an HTTP/1 client is to connect elsewhere. HTTP/2 has GOAWAY for that.
    fn say_goodbye(&self, answer: &mut Response, version: Version) {
        if self.connection.traffic.lifecycle.state() >= State::LameDuck
            && version <= Version::HTTP_11
            && answer.status() != StatusCode::SWITCHING_PROTOCOLS
        {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }

    /// Ends its span, records its metrics, writes its access line, and counts it no more.
    pub(super) fn end(&mut self, ending: Ending, status: Option<StatusCode>) {
        if let Some(telemetry) = &mut self.telemetry {
            telemetry.route().in_flight.fetch_sub(1, Ordering::Relaxed);
            telemetry.end(ending, status);
            self.telemetry = None;
            self.connection.traffic.in_flight.fetch_sub(1, Ordering::Relaxed);
            self.connection.active.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.telemetry.is_some() {
            let cut = self.connection.cut.is_cancelled();
            self.end(if cut { Ending::Cut } else { Ending::Cancelled }, None);
        }
    }
}
