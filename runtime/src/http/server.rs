//! Accepts connections until the drain begins.

use std::{io, sync::Arc, time::Duration};

use axum::{Router, extract::DefaultBodyLimit};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::{
    connection::{self, Connection},
    request::RequestLayer,
    traffic::Traffic,
};

/// The limit that axum's extractors have without being told.
const AXUM_BODY_LIMIT: usize = 2 * 1024 * 1024;

/// How long to wait before accepting again when the system refused, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Accepts connections and serves them, until the drain begins; then closes the listener.
pub(crate) async fn accept(listener: std::net::TcpListener, router: Router, traffic: Arc<Traffic>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let limit = traffic.settings.request_body_limit;
    let layer = RequestLayer::new(Arc::clone(&traffic));
    // As one layer, because the router boxes each; and with no limit but axum's own, which costs nothing.
    let router = match limit {
        AXUM_BODY_LIMIT => router.layer(layer),
        _ => router.layer((layer, DefaultBodyLimit::max(limit))),
    };
    let shutdown = traffic.lifecycle.shutdown.clone();
    let mut backoff = BACKOFF.0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                backoff = BACKOFF.0;
                open(stream, &router, &traffic);
            }
            Err(error) if concerns_one_client(&error) => {}
            Err(error) => {
                metrics::counter!("seaworthy_connections_refused_total", "reason" => "accept_error").increment(1);
                tracing::warn!(%error, "can't accept connections: trying again in {backoff:?}");
                sleep(backoff).await;
                backoff = (backoff * 2).min(BACKOFF.1);
            }
        }
    }
    // Clients that the kernel already greeted would see a reset. The kernel is asked itself, since tokio may not have heard
    // of them yet.
    let listener = listener.into_std()?;
    loop {
        let accepted = listener.accept().and_then(|(stream, _)| {
            stream.set_nonblocking(true)?;
            TcpStream::from_std(stream)
        });
        match accepted {
            Ok(stream) => open(stream, &router, &traffic),
            Err(error) if concerns_one_client(&error) => {}
            Err(_) => return Ok(()),
        }
    }
}

/// Begins to serve a connection, unless there are too many.
fn open(stream: TcpStream, router: &Router, traffic: &Arc<Traffic>) {
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
    // Answers are small: waiting to fill a segment only delays them. A socket that can't be told so works all the same.
    let _ = stream.set_nodelay(true);
    match Connection::open(traffic, peer, local) {
        Some(connection) => {
            tokio::spawn(connection::serve(stream, router.clone(), connection));
        }
        None => {
            metrics::counter!("seaworthy_connections_refused_total", "reason" => "max_connections").increment(1);
        }
    }
}

/// The client was gone before it was accepted: nothing is wrong with the listener.
fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
