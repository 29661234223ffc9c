//! HTTP/1.1 or HTTP/2, which the first bytes of a connection say.
//!
//! The main address and the admin one are served by the same code: what hyper is compiled to for each kind of socket and
//! of service is large.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::{dispatch::Answers, socket::Socket};

/// The largest head of a request. It may have 100 headers, which is hyper's default: told the same number, it would
/// clear a place for each of them at every request.
const MAX_HEAD: usize = 64 * 1024;
/// HTTP/2: how often a silent client is asked whether it is there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

type Http1 = http1::UpgradeableConnection<TokioIo<Socket>, Answers>;
type Http2 = http2::Connection<TokioIo<Socket>, Answers, TokioExecutor>;

/// A connection that is served, for as long as it is polled.
#[expect(clippy::large_enum_variant, reason = "nearly every connection becomes the largest")]
pub(super) enum Serving {
    /// The client has yet to show what it speaks.
    Unknown(Option<(Socket, Answers)>),
    Http1(Http1),
    /// Less frequent, and larger.
    Http2(Pin<Box<Http2>>),
}

// === impl Serving ===

impl Serving {
    /// Serves what the client speaks. How long it may take is up to the caller.
    pub(super) fn new(socket: Socket, answers: Answers) -> Self {
        Self::Unknown(Some((socket, answers)))
    }

    /// Serves HTTP/1.1. Where no time is given for each head, how long it may take is up to the caller: hyper's clock can't
    /// tell a client that is slow from one that is idle.
    pub(super) fn http1(header_read_timeout: Option<Duration>, socket: Socket, answers: Answers) -> Self {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(header_read_timeout).max_buf_size(MAX_HEAD);
        Self::Http1(builder.serve_connection(TokioIo::new(socket), answers).with_upgrades())
    }

    fn http2(socket: Socket, answers: Answers) -> Self {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .max_header_list_size(MAX_HEAD as u32)
            // WebSockets over HTTP/2 (RFC 8441).
            .enable_connect_protocol();
        Self::Http2(Box::pin(builder.serve_connection(TokioIo::new(socket), answers)))
    }

    /// Takes no request more. One of HTTP/1.1 ends by its socket instead.
    pub(super) fn say_goodbye(&mut self) {
        match self {
            Self::Unknown(socket) => *socket = None,
            Self::Http1(_) => {}
            Self::Http2(connection) => connection.as_mut().graceful_shutdown(),
        }
    }
}

impl Future for Serving {
    type Output = ();

    /// An error is the client's: it sent what is not HTTP, or went away.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let is_http2 = match &mut *self {
                Self::Http1(connection) => return Pin::new(connection).poll(cx).map(drop),
                Self::Http2(connection) => return connection.as_mut().poll(cx).map(drop),
                Self::Unknown(None) => return Poll::Ready(()),
                Self::Unknown(Some((socket, _))) => match ready!(socket.poll_is_http2(cx)) {
                    Ok(is_http2) => is_http2,
                    Err(_) => return Poll::Ready(()),
                },
            };
            let Self::Unknown(Some((socket, answers))) = std::mem::replace(&mut *self, Self::Unknown(None)) else {
                return Poll::Ready(());
            };
            *self = if is_http2 { Self::http2(socket, answers) } else { Self::http1(None, socket, answers) };
        }
    }
}
