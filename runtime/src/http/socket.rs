//! A socket that tells its connection what passes through it, and knows how to part from a client.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::connection::Connection;

/// How long to read what a client still sends after its answer: a socket closed with unread bytes in it resets the
/// connection, and the client may lose the answer.
const LINGER: Duration = Duration::from_secs(1);

/// Pieces of no more bytes than this are written as one.
const TOGETHER: usize = 512;

/// The socket of a connection. The connection counts as open for as long as this lives, also as a WebSocket.
pub(super) struct Socket {
    stream: TcpStream,
    connection: Arc<Connection>,
    /// Pieces that are written as one.
    together: Vec<u8>,
    has_read: bool,
    /// The stream ended: by the client, or by us while nothing was on its way.
    has_ended: bool,
    linger: Option<Pin<Box<Sleep>>>,
    cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, connection: Arc<Connection>) -> Self {
        Self { stream, connection, together: Vec::new(), has_read: false, has_ended: false, linger: None, cut: None }
    }

    fn note(&mut self, bytes: &[u8]) {
        if !self.has_read {
            self.has_read = true;
            self.connection.is_http2.store(bytes.starts_with(b"PRI"), Relaxed);
        }
        if self.connection.active.load(Relaxed) == 0 {
            self.connection.has_partial_head.store(true, Relaxed);
        }
    }

    /// Whether to tell hyper that the stream ended: only where nothing is on its way in or out, so that a request that
    /// came in the last moment is still served. HTTP/2 says goodbye in frames instead.
    fn may_end(&self) -> bool {
        self.connection.is_closing.load(Relaxed)
            && self.connection.is_idle()
            && !self.connection.is_write_blocked()
            && !self.connection.is_http2.load(Relaxed)
    }

    /// Whether an upgraded connection is to end: nothing else can reach the task that the user's code reads it in.
    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.connection.is_upgraded.load(Relaxed) {
            return false;
        }
        let Self { connection, cut, .. } = self;
        cut.get_or_insert_with(|| Box::pin(connection.cut.clone().cancelled_owned())).as_mut().poll(cx).is_ready()
    }

    /// Reads and forgets, until the client has seen the end or time is up.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if linger.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut scratch = [0; 4096];
        // Bounded work a poll: a fast client can't keep the thread.
        for _ in 0..16 {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => {
                match buffer.filled().get(before..) {
                    Some(bytes @ [_, ..]) => self.note(bytes),
                    _ => self.has_ended = true,
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending if self.may_end() => {
                self.has_ended = true;
                Poll::Ready(Ok(()))
            }
            poll => poll,
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.connection.set_write_blocked(poll.is_pending());
        poll
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, together, .. } = &mut *self;
        // Nearly all answers are short, and to the kernel a few bytes are less work than a list of two pieces.
        let poll = if slices.len() > 1 && slices.iter().map(|slice| slice.len()).sum::<usize>() <= TOGETHER {
            together.clear();
            for slice in slices {
                together.extend_from_slice(slice);
            }
            Pin::new(stream).poll_write(cx, together)
        } else {
            Pin::new(stream).poll_write_vectored(cx, slices)
        };
        self.connection.set_write_blocked(poll.is_pending());
        poll
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        if !self.has_ended {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
