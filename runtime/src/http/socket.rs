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

/// What a client of HTTP/2 sends first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The socket of a connection. The connection counts as open for as long as this lives, also as a WebSocket.
pub(super) struct Socket {
    stream: TcpStream,
    /// Nobody's who counts, on the admin address.
    connection: Option<Arc<Connection>>,
    /// What was read to see which protocol it is, and hyper has yet to read.
    start: Vec<u8>,
    /// Pieces that are written as one.
    together: Vec<u8>,
    has_read: bool,
    /// The stream ended: by the client, or by us while nothing was on its way.
    has_ended: bool,
    linger: Option<Pin<Box<Sleep>>>,
    cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, connection: Option<Arc<Connection>>) -> Self {
        // Whoever doesn't count doesn't linger either.
        let has_ended = connection.is_none();
        let (start, together) = (Vec::new(), Vec::new());
        Self { stream, connection, start, together, has_read: false, has_ended, linger: None, cut: None }
    }

    /// Reads until it is clear whether the client speaks HTTP/2.
    pub(super) fn poll_is_http2(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut start = std::mem::take(&mut self.start);
        let mut place = [0; PREFACE.len()];
        let poll = loop {
            let mut buffer = ReadBuf::new(place.get_mut(start.len()..).unwrap_or_default());
            match Pin::new(&mut *self).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) => start.extend_from_slice(buffer.filled()),
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
            if buffer.filled().is_empty() || !PREFACE.starts_with(&start) {
                break Poll::Ready(Ok(false));
            }
            if start.len() == PREFACE.len() {
                break Poll::Ready(Ok(true));
            }
        };
        self.start = start;
        poll
    }

    #[cold]
    fn give_start(&mut self, buffer: &mut ReadBuf<'_>) {
        let count = self.start.len().min(buffer.remaining());
        let rest = self.start.split_off(count);
        buffer.put_slice(&std::mem::replace(&mut self.start, rest));
    }

    fn note(&mut self, bytes: &[u8]) {
        let Some(connection) = &self.connection else { return };
        if !self.has_read {
            self.has_read = true;
            connection.is_http2.store(bytes.starts_with(b"PRI"), Relaxed);
        }
        if connection.active.load(Relaxed) == 0 {
            connection.has_partial_head.store(true, Relaxed);
        }
    }

    fn note_write(&self, is_blocked: bool) {
        if let Some(connection) = &self.connection {
            connection.set_write_blocked(is_blocked);
        }
    }

    /// Whether to tell hyper that the stream ended: only where nothing is on its way in or out, so that a request that
    /// came in the last moment is still served. HTTP/2 says goodbye in frames instead.
    fn may_end(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| {
            connection.is_closing.load(Relaxed)
                && connection.is_idle()
                && !connection.is_write_blocked()
                && !connection.is_http2.load(Relaxed)
        })
    }

    /// Whether an upgraded connection is to end: nothing else can reach the task that the user's code reads it in.
    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        let Self { connection: Some(connection), cut, .. } = self else { return false };
        if !connection.is_upgraded.load(Relaxed) {
            return false;
        }
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
        if !self.start.is_empty() {
            self.give_start(buffer);
            return Poll::Ready(Ok(()));
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
        self.note_write(poll.is_pending());
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
        self.note_write(poll.is_pending());
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
