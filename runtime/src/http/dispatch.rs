//! From a request to the head of its answer: what hyper asks of each connection.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::Ordering::{AcqRel, Relaxed},
    },
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    response::{IntoResponse, Response},
    routing::future::RouteFuture,
};
use http::{Method, Request, StatusCode, header::RETRY_AFTER};
use hyper::{
    body::{Body as _, Incoming},
    service::Service,
};
use pin_project_lite::pin_project;
use tower::Service as _;

use super::connection::Connection;
use crate::service::BoxFuture;

/// Gives an answer without a service.
pub(crate) type Answer = Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response> + Send + Sync>;

/// Answers the requests of one connection.
pub(super) enum Answers {
    /// By the service, which counts them.
    OfService { router: Router, connection: Arc<Connection> },
    /// By the process itself.
    OfProcess(Answer),
}

pin_project! {
    /// One request until the head of its answer.
    #[project = ExchangeProjection]
    pub(super) enum Exchange {
        Probe { answer: Option<Response> },
        OfService {
            #[pin]
            routed: RouteFuture<Infallible>,
            // Lent to the thread while it is polled.
            connection: Option<Arc<Connection>>,
        },
        OfProcess { answer: BoxFuture<'static, Response> },
    }
}

// === impl Answers ===

impl Service<Request<Incoming>> for Answers {
    type Response = Response;
    type Error = Infallible;
    type Future = Exchange;

    fn call(&self, request: Request<Incoming>) -> Exchange {
        let (router, connection) = match self {
            Self::OfService { router, connection } => (router, connection),
            Self::OfProcess(answer) => return Exchange::OfProcess { answer: answer(request) },
        };
        connection.begun.fetch_add(1, Relaxed);
        connection.has_partial_head.store(false, Relaxed);
        if let Some(answer) = probe(connection, &request) {
            return Exchange::Probe { answer: Some(answer) };
        }
        connection.active.fetch_add(1, AcqRel);
        // Most have no body, and to say so costs less than to keep an empty one.
        let mut request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(connection.peer));
        Exchange::OfService { routed: router.clone().call(request), connection: Some(Arc::clone(connection)) }
    }
}

// === impl Exchange ===

impl Future for Exchange {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            ExchangeProjection::Probe { answer } => Poll::Ready(Ok(answer.take().unwrap_or_default())),
            ExchangeProjection::OfService { routed, connection } => {
                Connection::answering(connection, || routed.poll(cx))
            }
            ExchangeProjection::OfProcess { answer } => answer.as_mut().poll(cx).map(Ok),
        }
    }
}

/// Probes come before everything: they are not counted, traced, shed or routed.
fn probe(connection: &Connection, request: &Request<Incoming>) -> Option<Response> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let traffic = &connection.traffic;
    let report = match request.uri().path() {
        "/health" => traffic.board.liveness(traffic.lifecycle.state()),
        "/ready" => traffic.board.readiness(traffic.lifecycle.state()),
        _ => return None,
    };
    Some(if report.passed {
        report.status.into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], report.status).into_response()
    })
}
