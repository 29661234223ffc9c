//! One call to another service: its client span and its metrics, which are made of the same facts.
//!
//! The span is [one of the conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span) and
//! ends, as the metrics do, with the head of the answer.

mod series;

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode, Version};
use tokio_util::sync::CancellationToken;
use tracing::Span;
use url::Url;

use super::{
    attributes,
    clock::Moment,
    propagation::inject_context,
    traces::{Ids, Tracing, span::Encoded, store},
    wire::Value,
};

pub(crate) use self::series::Peers;
use self::series::{Outcome, Peer};

/// A call that waits for the head of its answer. Dropped before that, it was cancelled or cut.
pub(crate) struct ClientRequest {
    span: Span,
    /// `None` where a subscriber other than ours is installed.
    ids: Option<Ids>,
    started: Moment,
    peer: Arc<Peer>,
    cut: Option<CancellationToken>,
    ended: bool,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It took too long, be it to connect or to answer.
    TimedOut,
    /// The name of the server could not be resolved.
    Dns,
    /// There was no connection.
    Connect,
    /// There were too many redirects, or a broken one.
    Redirect,
    /// The connection broke before the head of the answer.
    Request,
    /// The request was not one that can be sent.
    Invalid,
    /// Nobody waits for the answer any more.
    Cancelled,
    /// It was cut at the drain's deadline.
    Cut,
    /// The service was about to exit.
    Shutdown,
}

// === impl ClientRequest ===

impl ClientRequest {
    /// Begins the span, within the current one, and counts the call as active. The URL, which has a host, is shown as it is
    /// given here. The token is cancelled when calls are cut.
    pub(crate) fn begin(
        peers: &Peers,
        is_in_service: bool,
        method: &Method,
        url: &Url,
        template: Option<&str>,
        cut: Option<CancellationToken>,
    ) -> Self {
        let started = Moment::now();
        let peer = peers.of(method, url, is_in_service);
        let name = template.map(|template| attributes::span_name(peer.method, Some(template)));
        let name = name.as_ref().unwrap_or(&peer.name).as_ref();
        let span =
            tracing::info_span!(target: "seaworthy::http_client", "call", otel.name = name, otel.kind = "client");
        let describe = |span: &mut Encoded| {
            span.attribute("http.request.method", Value::Text(peer.method));
            if peer.method == "_OTHER" {
                span.attribute("http.request.method_original", Value::Text(method.as_str()));
            }
            span.attribute("server.address", Value::Text(&peer.host));
            span.attribute("server.port", Value::Int(peer.port.into()));
            span.attribute("url.full", Value::Text(url.as_str()));
            if let Some(template) = template {
                span.attribute("url.template", Value::Text(template));
            }
        };
        let ids = Tracing::of(&span, |_, id| {
            store::with(id, |data| {
                if data.is_recorded {
                    describe(&mut data.encoded);
                }
                data.ids
            })
        });
        peer.active.increment(1.0);
        Self { span, ids: ids.flatten(), started, peer, cut, ended: false }
    }

    /// The span to send the request in.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Adds the context of the span to the headers, whether or not it is sampled.
    pub(crate) fn inject(&self, headers: &mut HeaderMap) {
        self.span.in_scope(|| inject_context(headers));
    }

    /// The head of the answer is there. To a client, an answer of 4xx is a failure too.
    pub(crate) fn end(mut self, status: StatusCode, version: Version) {
        self.finish(Outcome::Answered(status), Some(version));
    }

    /// There is no answer.
    pub(crate) fn fail(mut self, failed: Failed) {
        self.finish(Outcome::Failed(failed), None);
    }

    fn finish(&mut self, outcome: Outcome, version: Option<Version>) {
        self.ended = true;
        let now = Moment::now();
        let error = outcome.error_type();
        // Not left to `tracing`, whose span lives as long as any task that was spawned in it.
        Tracing::of(&self.span, |tracing, id| {
            tracing.end_early(id, now, |span| {
                if let Outcome::Answered(status) = &outcome {
                    span.attribute("http.response.status_code", Value::Int(status.as_u16().into()));
                }
                if let Some(version) = version.and_then(attributes::version) {
                    span.attribute("network.protocol.version", Value::Text(version));
                }
                if let Some(error) = error {
                    span.attribute("error.type", Value::Text(error));
                    span.error("");
                }
            })
        });
        self.peer.active.decrement(1.0);
        self.peer.record(now.since(self.started), now, outcome, self.ids);
    }
}

impl Drop for ClientRequest {
    fn drop(&mut self) {
        if !self.ended {
            let is_cut = self.cut.as_ref().is_some_and(CancellationToken::is_cancelled);
            self.finish(Outcome::Failed(if is_cut { Failed::Cut } else { Failed::Cancelled }), None);
        }
    }
}

// === impl Failed ===

impl Failed {
    /// `error.type`.
    fn as_str(self) -> &'static str {
        match self {
            Self::TimedOut => "timeout",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Redirect => "redirect",
            Self::Request => "request",
            Self::Invalid => "invalid",
            Self::Cancelled => "cancelled",
            Self::Cut => "cut",
            Self::Shutdown => "shutdown",
        }
    }
}
