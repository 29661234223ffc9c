//! The admin listener: probes, metrics, and what an operator asks of a running process.
//!
//! It runs on the conductor's thread, not on the service's runtime, so that it answers when that is blocked.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use http::{
    HeaderMap, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{sync::Semaphore, time::sleep};

use crate::{
    lifecycle::{self, Lifecycle},
    probe::board::{Board, Report},
    telemetry::Telemetry,
};

/// Connections at once: kubelet, scrapers and a person need few.
const MAX_CONNECTIONS: usize = 256;
/// How long a connection may take to send a request, or stay open without one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone)]
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
    let router = Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/started", get(started))
        .route("/metrics", get(metrics))
        .route("/log-level", put(log_level))
        .with_state(Admin { board, lifecycle, telemetry });
    tokio::spawn(accept(listener, router));
    Ok(())
}

async fn accept(listener: tokio::net::TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will be free again.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let _place = place;
            // A probe that went away needs no answer.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(IDLE_TIMEOUT)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn health(State(admin): State<Admin>) -> Response {
    answer(&admin.board.liveness(admin.lifecycle.state()))
}

async fn ready(State(admin): State<Admin>) -> Response {
    answer(&admin.board.readiness(admin.lifecycle.state()))
}

/// Whether start-up is over: the set-up finished, and every critical check passed once.
async fn started(State(admin): State<Admin>) -> Response {
    if admin.lifecycle.state() > lifecycle::State::Starting && admin.board.started() {
        "started".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting").into_response()
    }
}

/// Reads files and may write megabytes, which a probe is not to wait for.
async fn metrics(headers: HeaderMap) -> Response {
    let ranges: Vec<_> = headers.get_all(ACCEPT).iter().filter_map(|ranges| ranges.to_str().ok()).collect();
    let accept = ranges.join(",");
    match tokio::task::spawn_blocking(move || Telemetry::metrics(Some(&accept))).await {
        Ok(Ok((content_type, text))) => ([(CONTENT_TYPE, content_type)], text).into_response(),
        Ok(Err(problem)) => (StatusCode::NOT_FOUND, format!("{problem}\n")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Takes the directives of `RUST_LOG` as its body.
async fn log_level(State(admin): State<Admin>, directives: String) -> Response {
    match admin.telemetry.set_filter(directives.trim()) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => (StatusCode::BAD_REQUEST, format!("{problem}\n")).into_response(),
    }
}

fn answer(report: &Report) -> Response {
    let status = if report.passed { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}
