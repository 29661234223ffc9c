//! The admin listener: probes, metrics, and what an operator asks of a running process.
//!
//! It runs on the conductor's thread, not on the service's runtime, so that it answers when that is blocked.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, to_bytes},
    response::{IntoResponse, Response},
};
use http::{
    Method, Request, StatusCode,
    header::{ACCEPT, ALLOW, CONTENT_TYPE},
    request,
};
use hyper::body::Incoming;
use tokio::{sync::Semaphore, time::sleep};

use crate::{
    http::connection::serve_uncounted,
    lifecycle::{Lifecycle, State},
    probe::board::{Board, Report},
    service::BoxFuture,
    telemetry::Telemetry,
};

/// Connections at once: kubelet, scrapers and a person need few.
const MAX_CONNECTIONS: usize = 256;
/// How long a connection may take to send a request, or stay open without one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest filter, in bytes.
const LONGEST_FILTER: usize = 64 * 1024;

struct Admin {
    board: Arc<Board>,
    lifecycle: Arc<Lifecycle>,
    telemetry: Arc<Telemetry>,
}

/// Starts to answer on the runtime that it is called in.
pub(crate) fn serve(
    listener: TcpListener,
    board: Arc<Board>,
    lifecycle: Arc<Lifecycle>,
    telemetry: Arc<Telemetry>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let admin = Arc::new(Admin { board, lifecycle, telemetry });
    let accepting: BoxFuture<'static, ()> = Box::pin(accept(listener, admin));
    tokio::spawn(accepting);
    Ok(())
}

async fn accept(listener: tokio::net::TcpListener, admin: Arc<Admin>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let answer =
        Arc::new(move |request| -> BoxFuture<'static, Response> { Box::pin(Arc::clone(&admin).answer(request)) });
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will be free again.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let serving = serve_uncounted(stream, answer.clone(), IDLE_TIMEOUT);
        let serving: BoxFuture<'static, ()> = Box::pin(async move {
            let _place = place;
            serving.await;
        });
        tokio::spawn(serving);
    }
}

// === impl Admin ===

impl Admin {
    /// Without a router: five paths need none, and one of another state than the service's would be compiled for it.
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response {
        let (head, body) = request.into_parts();
        let reads = matches!(head.method, Method::GET | Method::HEAD);
        match head.uri.path() {
            "/health" if reads => answer(&self.board.liveness(self.lifecycle.state())),
            "/ready" if reads => answer(&self.board.readiness(self.lifecycle.state())),
            "/started" if reads => self.started(),
            "/metrics" if reads => metrics(&head).await,
            "/log-level" if head.method == Method::PUT => self.set_log_level(body).await,
            "/health" | "/ready" | "/started" | "/metrics" => not_allowed("GET,HEAD"),
            "/log-level" => not_allowed("PUT"),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    /// Whether the start-up is over: the set-up finished, and every critical check passed once.
    fn started(&self) -> Response {
        if self.lifecycle.state() > State::Starting && self.board.started() {
            "started".into_response()
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "starting").into_response()
        }
    }

    /// Takes the directives of `RUST_LOG` as its body.
    async fn set_log_level(&self, body: Incoming) -> Response {
        let Ok(directives) = to_bytes(Body::new(body), LONGEST_FILTER).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let set = match str::from_utf8(&directives) {
            Ok(directives) => self.telemetry.set_filter(directives.trim()).map_err(|problem| format!("{problem}\n")),
            Err(error) => Err(format!("the filter is not Unicode text: {error}\n")),
        };
        match set {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(problem) => (StatusCode::BAD_REQUEST, problem).into_response(),
        }
    }
}

/// Reads files and may write megabytes, which a probe is not to wait for.
async fn metrics(head: &request::Parts) -> Response {
    let ranges: Vec<_> = head.headers.get_all(ACCEPT).iter().filter_map(|ranges| ranges.to_str().ok()).collect();
    let accept = ranges.join(",");
    match tokio::task::spawn_blocking(move || Telemetry::metrics(Some(&accept))).await {
        Ok(Ok((content_type, text))) => ([(CONTENT_TYPE, content_type)], text).into_response(),
        Ok(Err(problem)) => (StatusCode::NOT_FOUND, format!("{problem}\n")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn answer(report: &Report) -> Response {
    let status = if report.passed { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

fn not_allowed(but: &'static str) -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, but)]).into_response()
}
