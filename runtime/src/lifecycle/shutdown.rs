//! How work that has no end of its own learns that the service stops.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Completes when the service begins to drain.
///
/// Workers take it as a parameter and handlers as an extractor, for what has no end of its own: a loop, a WebSocket, a
/// stream of events. What has not ended by the drain's deadline (`DRAIN_TIMEOUT`, 15 s) is cut. A request that ends by
/// itself needs none of this.
///
/// ```
/// # use std::time::Duration;
/// # use seaworthy::prelude::*;
/// #[worker]
/// async fn sweep(mut shutdown: Shutdown) {
///     loop {
///         tokio::select! {
///             () = &mut shutdown => return,
///             () = tokio::time::sleep(Duration::from_secs(60)) => { /* sweep */ }
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Shutdown {
    token: CancellationToken,
    wait: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Shutdown {
    pub(crate) fn new(token: CancellationToken) -> Self {
        Self { token, wait: None }
    }

    /// One that never completes: for a unit test that calls a worker or a handler as the function it is.
    #[must_use]
    pub fn never() -> Self {
        Self::new(CancellationToken::new())
    }

    /// Whether the drain has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.token.is_cancelled()
    }
}

impl Clone for Shutdown {
    fn clone(&self) -> Self {
        Self::new(self.token.clone())
    }
}

/// May be polled again after it completed.
impl Future for Shutdown {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.token.is_cancelled() {
            return Poll::Ready(());
        }
        let Self { token, wait } = &mut *self;
        wait.get_or_insert_with(|| Box::pin(token.clone().cancelled_owned())).as_mut().poll(cx)
    }
}
