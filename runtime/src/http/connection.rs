//! One connection: reads requests, hands each to the router, and ends when its time has come.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::Ordering::{AcqRel, Acquire, Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    response::{IntoResponse, Response},
    routing::future::RouteFuture,
};
use http::{Method, Request, StatusCode, header::RETRY_AFTER};
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use pin_project_lite::pin_project;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use tower::Service as _;

use super::{io::Socket, traffic::Connection};
use crate::lifecycle::State;

/// How long an idle connection stays open once the drain began, for the request that may be on its way.
const LINGER: Duration = Duration::from_secs(1);
/// The largest head of a request. It may have 100 headers, which is hyper's default: told the same number, it would
/// clear a place for each of them at every request.
const MAX_HEAD: usize = 64 * 1024;
/// HTTP/2: how often a silent client is asked whether it is there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Hands the requests of one connection to the router.
struct Requests {
    router: Router,
    connection: Arc<Connection>,
}

pin_project! {
    /// One request until the head of its answer.
    #[project = ExchangeProjection]
    enum Exchange {
        Probe { answer: Option<Response> },
        Request {
            #[pin]
            routed: RouteFuture<Infallible>,
            // Lent to the thread while it is polled.
            connection: Option<Arc<Connection>>,
        },
    }
}

/// What happens to a connection.
enum Event {
    /// It ended.
    Ended,
    /// The drain began.
    Drain,
    /// The drain's deadline passed.
    Cut,
    /// It is time to look whether there is progress.
    Look,
}

/// Since when a connection has made no progress.
struct Stall {
    since: Instant,
    begun: usize,
    was_active: bool,
    had_partial_head: bool,
}

/// Serves one connection until it ends: by its client, by a limit, or by the drain.
pub(super) async fn serve(stream: TcpStream, router: Router, connection: Arc<Connection>) {
    let traffic = Arc::clone(&connection.traffic);
    let shutdown = traffic.lifecycle.shutdown.child_token();
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&connection)));
    let builder = builder();
    let requests = Requests { router, connection: Arc::clone(&connection) };
    let mut serving = pin!(builder.serve_connection_with_upgrades(socket, requests));
    let mut drained = pin!(shutdown.cancelled());
    let mut cut = pin!(connection.cut.cancelled());
    let mut look_again = pin!(sleep(traffic.settings.header_read_timeout / 4));

    let mut stall = Stall::new(&connection);
    let mut draining = false;
    let mut cutting = false;
    // Whether the three above will wake this task. Then they needn't be asked each time that bytes come or go.
    let mut is_armed = false;
    loop {
        let event = poll_fn(|cx| {
            if serving.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Ended);
            }
            let state = traffic.lifecycle.state();
            if is_armed
                && (draining || state < State::Draining)
                && (cutting || state < State::Cancelling)
                && !look_again.is_elapsed()
            {
                return Poll::Pending;
            }
            is_armed = true;
            if !draining && drained.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Drain);
            }
            if !cutting && cut.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Cut);
            }
            look_again.as_mut().poll(cx).map(|()| Event::Look)
        });
        let pause = match event.await {
            // An error is the client's: it sent what is not HTTP, or went away.
            Event::Ended => return,
            Event::Drain => {
                draining = true;
                if connection.is_http2.load(Relaxed) {
                    serving.as_mut().graceful_shutdown();
                }
                LINGER
            }
            // `serving` is polled again, so that each handler notices and answers; what is left has a moment to be sent.
            Event::Cut => {
                cutting = true;
                connection.is_closing.store(true, Relaxed);
                LINGER
            }
            Event::Look => {
                if cutting {
                    return;
                }
                if draining {
                    connection.is_closing.store(true, Relaxed);
                    if connection.is_http2.load(Relaxed) {
                        // Again, for a client whose first bytes came after the drain began.
                        serving.as_mut().graceful_shutdown();
                        // A client that doesn't answer our GOAWAY, and asks for nothing.
                        if stall.idle_for(&connection) >= LINGER {
                            return;
                        }
                    }
                }
                match stall.verdict(&connection) {
                    Verdict::Wait => {}
                    Verdict::HeaderTimeout => {
                        let reason = "header_timeout";
                        metrics::counter!("seaworthy_connections_refused_total", "reason" => reason).increment(1);
                        return;
                    }
                    Verdict::Idle => {
                        connection.is_closing.store(true, Relaxed);
                        if connection.is_http2.load(Relaxed) {
                            serving.as_mut().graceful_shutdown();
                        }
                    }
                }
                let pause = traffic.settings.header_read_timeout / 4;
                if draining { pause.min(LINGER) } else { pause }
            }
        };
        look_again.as_mut().reset(Instant::now() + pause);
        is_armed = false;
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Timeouts are ours: hyper's can't tell a client that is slow from one that is idle.
    builder.http1().header_read_timeout(None).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_header_list_size(MAX_HEAD as u32)
        // WebSockets over HTTP/2 (RFC 8441).
        .enable_connect_protocol();
    builder
}

// === impl Requests ===

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response;
    type Error = Infallible;
    type Future = Exchange;

    fn call(&self, request: Request<Incoming>) -> Exchange {
        let connection = &self.connection;
        connection.begun.fetch_add(1, Relaxed);
        connection.has_partial_head.store(false, Relaxed);
        if let Some(answer) = probe(connection, &request) {
            return Exchange::Probe { answer: Some(answer) };
        }
        connection.active.fetch_add(1, AcqRel);
        // Most have no body, and to say so costs less than to keep an empty one.
        let mut request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(connection.peer));
        Exchange::Request { routed: self.router.clone().call(request), connection: Some(Arc::clone(connection)) }
    }
}

// === impl Exchange ===

impl Future for Exchange {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            ExchangeProjection::Probe { answer } => Poll::Ready(Ok(answer.take().unwrap_or_default())),
            ExchangeProjection::Request { routed, connection } => Connection::answering(connection, || routed.poll(cx)),
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

// === impl Stall ===

enum Verdict {
    Wait,
    /// The client began a request, or a connection, and did not go on.
    HeaderTimeout,
    /// There was no request for long.
    Idle,
}

impl Stall {
    fn new(connection: &Connection) -> Self {
        let mut stall = Self { since: Instant::now(), begun: 0, was_active: false, had_partial_head: false };
        stall.idle_for(connection);
        stall
    }

    /// How long nothing has happened, as far as looking now and then can tell.
    fn idle_for(&mut self, connection: &Connection) -> Duration {
        let now = Instant::now();
        let active = connection.active.load(Acquire) > 0 || connection.is_upgraded.load(Acquire);
        let begun = connection.begun.load(Relaxed);
        let partial_head = connection.has_partial_head.load(Relaxed);
        if active || self.was_active || begun != self.begun || partial_head != self.had_partial_head {
            *self = Self { since: now, begun, was_active: active, had_partial_head: partial_head };
        }
        now.duration_since(self.since)
    }

    fn verdict(&mut self, connection: &Connection) -> Verdict {
        let idle = self.idle_for(connection);
        let settings = &connection.traffic.settings;
        // HTTP/2 sends frames that are no requests; its requests' heads are bounded in size, and come at once.
        let in_head = self.begun == 0 || (self.had_partial_head && !connection.is_http2.load(Relaxed));
        if in_head && !self.was_active && idle >= settings.header_read_timeout {
            Verdict::HeaderTimeout
        } else if idle >= settings.keep_alive_timeout {
            Verdict::Idle
        } else {
            Verdict::Wait
        }
    }
}
