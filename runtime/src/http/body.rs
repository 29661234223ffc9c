//! The bodies of a request and of its answer, watched: how far they got decides how the request ended.

use std::{
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::in_flight::InFlight;
use crate::{panic::caught_now, telemetry::Ending};

/// The body of a request, which knows whether all of it was read.
pub(super) struct UploadBody {
    body: Body,
    complete: Arc<AtomicBool>,
}

pin_project! {
    /// The body of an answer: the request is in flight until it ends, or is dropped.
    pub(super) struct AnswerBody {
        #[pin]
        body: Body,
        // Only a body that waits needs it.
        #[pin]
        cut: Option<WaitForCancellationFutureOwned>,
        status: StatusCode,
        request: Option<InFlight>,
    }
}

// === impl UploadBody ===

impl UploadBody {
    /// Watches a body, unless it is empty.
    pub(super) fn watch(body: &mut Body) -> Option<Arc<AtomicBool>> {
        if body.is_end_stream() {
            return None;
        }
        let complete = Arc::new(AtomicBool::new(false));
        let watched = Self { body: mem::take(body), complete: Arc::clone(&complete) };
        *body = Body::new(watched);
        Some(complete)
    }
}

impl HttpBody for UploadBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.complete.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// === impl AnswerBody ===

impl AnswerBody {
    pub(super) fn new(body: Body, request: InFlight, status: StatusCode) -> Self {
        Self { body, cut: None, status, request: Some(request) }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let _inside = this.request.as_ref().and_then(InFlight::enter);
        let end = |request: &mut Option<InFlight>, ending| {
            if let Some(mut request) = request.take() {
                request.end(ending, Some(*this.status));
            }
        };
        match caught_now(|| this.body.as_mut().poll_frame(cx)) {
            Ok(Poll::Ready(frame)) => {
                if let Some(Err(error)) = &frame {
                    tracing::error!(%error, "the body of the answer failed");
                }
                if frame.as_ref().is_none_or(Result::is_err) || this.body.is_end_stream() {
                    end(this.request, Ending::Answered);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Ok(Poll::Pending) => {
                let Some(request) = this.request else { return Poll::Pending };
                if this.cut.is_none() {
                    this.cut.set(Some(request.connection.cut.clone().cancelled_owned()));
                }
                if this.cut.as_pin_mut().is_some_and(|cut| cut.poll(cx).is_pending()) {
                    return Poll::Pending;
                }
                end(this.request, Ending::Cut);
                Poll::Ready(Some(Err("the service stopped".into())))
            }
            Err(message) => {
                end(this.request, Ending::Panicked);
                Poll::Ready(Some(Err(message.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
