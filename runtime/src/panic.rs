//! Panics: caught where a user's code runs, reported as one log record.

use std::{
    any::Any,
    future::Future,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

pin_project! {
    /// A future whose panic is an error: the panic's message.
    pub(crate) struct Caught<F> {
        #[pin]
        future: F,
    }
}

/// Runs a future; a panic ends it with the panic's message. It must not be polled after that.
pub(crate) fn caught<F: Future>(future: F) -> Caught<F> {
    Caught { future }
}

/// Calls a function; a panic is an error with the panic's message.
pub(crate) fn caught_now<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    // What the call left behind is not looked at again: its owner drops it.
    panic::catch_unwind(AssertUnwindSafe(call)).map_err(|payload| message(&*payload))
}

/// Logs each panic as one record with its place and the ids of the trace it happened in, instead of as text on stderr.
pub(crate) fn log_panics() {
    panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic.location = location, "panicked: {}", message(panic.payload()));
    }));
}

fn message(payload: &dyn Any) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).into(),
        (_, Some(text)) => text.clone(),
        _ => "no message".into(),
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, String>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        match caught_now(|| future.poll(cx)) {
            Ok(poll) => poll.map(Ok),
            Err(message) => Poll::Ready(Err(message)),
        }
    }
}
