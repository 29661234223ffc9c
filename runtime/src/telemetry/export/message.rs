//! The body of a request: what is in a batch, piece after piece.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Bytes to send, of a length that is known. A copy shares them.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pieces: VecDeque<Bytes>,
    left: usize,
}

// === impl Message ===

impl FromIterator<Vec<u8>> for Message {
    fn from_iter<I: IntoIterator<Item = Vec<u8>>>(pieces: I) -> Self {
        let pieces: VecDeque<Bytes> = pieces.into_iter().map(Bytes::from).collect();
        Self { left: pieces.iter().map(Bytes::len).sum(), pieces }
    }
}

impl Body for Message {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front();
        self.left -= piece.as_ref().map_or(0, Bytes::len);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}
