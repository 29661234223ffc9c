//! One request: its limits, its deadline, its panic, and what the drain and the telemetry must know of it.
//!
//! The layer lies around each route, behind the routing, because only there the route's pattern is known.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    response::{IntoResponse, Response},
};
use http::{StatusCode, Version, header::RETRY_AFTER, request::Parts};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tower::{Layer, Service};

use super::{body::UploadBody, connection::Connection, in_flight::InFlight, traffic::Traffic};
use crate::{
    lifecycle::Shutdown,
    panic::{Caught, caught},
    telemetry::{self, Ending, RouteTelemetry, ServerRequest},
};

/// Answers the requests of each route.
#[derive(Clone)]
pub(super) struct RequestLayer {
    traffic: Arc<Traffic>,
}

/// Answers the requests of one route. It is cloned for each.
pub(super) struct RequestService<H> {
    shared: Arc<Shared<H>>,
}

struct Shared<H> {
    traffic: Arc<Traffic>,
    /// Known at the first request: a layer is not told which route it lies around.
    route: OnceLock<Arc<RouteTelemetry>>,
    handler: H,
    /// The same, for who finds it free. A route clones itself at each call: to clone it for that would be once too
    /// often.
    spare: Mutex<H>,
}

pin_project! {
    /// A request until the head of its answer.
    #[project = AnsweringProjection]
    pub(super) enum Answering<F> {
        Now { answer: Option<Response> },
        Later {
            #[pin]
            handler: Caught<F>,
            #[pin]
            limits: Option<Limits>,
            version: Version,
            upload: Option<Arc<AtomicBool>>,
            request: Option<InFlight>,
        },
    }
}

pin_project! {
    /// What ends a request before its handler does. Only a handler that waits needs it.
    struct Limits {
        #[pin]
        deadline: Sleep,
        #[pin]
        cut: WaitForCancellationFutureOwned,
    }
}

// === impl RequestLayer ===

impl RequestLayer {
    pub(super) fn new(traffic: Arc<Traffic>) -> Self {
        Self { traffic }
    }
}

impl<H: Clone> Layer<H> for RequestLayer {
    type Service = RequestService<H>;

    fn layer(&self, handler: H) -> RequestService<H> {
        let spare = Mutex::new(handler.clone());
        let shared = Shared { traffic: Arc::clone(&self.traffic), route: OnceLock::new(), handler, spare };
        RequestService { shared: Arc::new(shared) }
    }
}

// === impl RequestService ===

impl<H> Clone for RequestService<H> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<H> Service<Request> for RequestService<H>
where
    H: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering<H::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Answering<H::Future> {
        let Some(connection) = Connection::current() else {
            // Only our own listener calls the router.
            return Answering::Now { answer: Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()) };
        };
        let Shared { traffic, route, handler, spare } = &*self.shared;
        let route = route.get_or_init(|| {
            let pattern = request.extensions().get::<MatchedPath>();
            traffic.add_route(pattern.map(MatchedPath::as_str))
        });
        let is_full = traffic.is_full();
        let telemetry = ServerRequest::begin(&request, route, &connection.telemetry);
        let version = request.version();
        let mut in_flight = InFlight::begin(connection, telemetry);
        if is_full {
            let answer = (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "too many requests in flight\n");
            let answer = in_flight.fail(Ending::Shed, answer.into_response(), version);
            return Answering::Now { answer: Some(answer) };
        }

        let upload = UploadBody::watch(request.body_mut());
        let (mut free, mut own);
        let handler = match spare.try_lock() {
            Ok(spare) => {
                free = spare;
                &mut *free
            }
            Err(_) => {
                own = handler.clone();
                &mut own
            }
        };
        // A route only notes the request here. What the user wrote runs when it is polled, in the span.
        let handler = caught(handler.call(request));
        Answering::Later { handler, limits: None, version, upload, request: Some(in_flight) }
    }
}

// === impl Answering ===

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (handler, mut limits, version, upload, request) = match self.project() {
            AnsweringProjection::Now { answer } => return Poll::Ready(Ok(answer.take().unwrap_or_default())),
            AnsweringProjection::Later { handler, limits, version, upload, request } => {
                (handler, limits, *version, upload, request)
            }
        };
        let _inside = request.as_ref().and_then(InFlight::enter);
        let failed = match handler.poll(cx) {
            Poll::Ready(Ok(Ok(answer))) => return Poll::Ready(Ok(InFlight::answer(request, answer, version))),
            Poll::Ready(Err(_)) => Some((Ending::Panicked, panicked())),
            Poll::Pending => {
                if limits.is_none() {
                    limits.set(request.as_ref().map(Limits::new));
                }
                match limits.as_pin_mut().and_then(|limits| limits.poll_exceeded(cx)) {
                    Some(Ending::Cut) => Some((Ending::Cut, stopping())),
                    Some(ending) => Some((ending, timed_out(upload.as_deref()))),
                    None => None,
                }
            }
        };
        match (failed, request) {
            (Some((ending, answer)), Some(request)) => Poll::Ready(Ok(request.fail(ending, answer, version))),
            _ => Poll::Pending,
        }
    }
}

// === impl Limits ===

impl Limits {
    fn new(request: &InFlight) -> Self {
        let connection = &request.connection;
        let timeout = connection.traffic.settings.request_timeout;
        Self {
            deadline: sleep(timeout.saturating_sub(request.elapsed())),
            cut: connection.cut.clone().cancelled_owned(),
        }
    }

    /// Which limit the request reached, if any.
    fn poll_exceeded(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Ending> {
        let limits = self.project();
        if limits.cut.poll(cx).is_ready() {
            return Some(Ending::Cut);
        }
        limits.deadline.poll(cx).is_ready().then_some(Ending::TimedOut)
    }
}

fn panicked() -> Response {
    let trace = telemetry::trace_id().map(|id| format!(" (trace {id})")).unwrap_or_default();
    (StatusCode::INTERNAL_SERVER_ERROR, format!("internal server error{trace}\n")).into_response()
}

fn stopping() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the service stopped before it could answer\n").into_response()
}

/// The deadline passed: by the handler's fault, unless it still waited for the client's body.
fn timed_out(upload: Option<&AtomicBool>) -> Response {
    if upload.is_none_or(|complete| complete.load(Ordering::Relaxed)) {
        (StatusCode::SERVICE_UNAVAILABLE, "the service took too long to answer\n").into_response()
    } else {
        (StatusCode::REQUEST_TIMEOUT, "the body of the request took too long to arrive\n").into_response()
    }
}

// === impl Shutdown ===

/// Outside a Seaworthy service, one that never completes.
impl<S: Sync> FromRequestParts<S> for Shutdown {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let connection = Connection::current();
        Ok(connection.map_or_else(Self::never, |connection| Self::new(connection.traffic.lifecycle.shutdown.clone())))
    }
}

#[cfg(test)]
mod tests {
    use std::{future::ready, task::Waker};

    use tower::service_fn;

    use super::*;
    use crate::{config::Settings, lifecycle::Lifecycle, probe::board::Board};

    #[test]
    fn a_request_does_not_wait_for_the_spare_handler() {
        let traffic = Traffic::new(Settings::default(), Arc::new(Lifecycle::new()), Arc::new(Board::new([])));
        let traffic = Arc::new(traffic);
        let address = "127.0.0.1:8080".parse().unwrap();
        let mut connection = Connection::open(&traffic, address, address);
        let handler = service_fn(|_: Request| ready(Ok(StatusCode::NO_CONTENT.into_response())));
        let mut service = RequestLayer::new(traffic).layer(handler);
        let shared = Arc::clone(&service.shared);
        let mut answer = || {
            let answering = Connection::answering(&mut connection, || service.call(Request::default()));
            let mut answering = Box::pin(answering);
            match answering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(answer)) => answer.status(),
                Poll::Pending => panic!("it waits"),
            }
        };
        assert_eq!(answer(), StatusCode::NO_CONTENT);
        let held = shared.spare.lock().unwrap();
        assert_eq!(answer(), StatusCode::NO_CONTENT);
        drop(held);
        assert_eq!(answer(), StatusCode::NO_CONTENT);
        assert!(Connection::current().is_none(), "the thread answers nothing now");
    }
}
