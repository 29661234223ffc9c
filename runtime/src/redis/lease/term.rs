//! A term, as the job sees it.

use tokio_util::sync::CancellationToken;

/// The time for which a lease is held. Clones are of the same term.
#[derive(Clone, Debug)]
pub struct Term {
    token: u64,
    over: CancellationToken,
}

// === impl Term ===

impl Term {
    pub(super) fn new(token: u64) -> Self {
        Self { token, over: CancellationToken::new() }
    }

    /// The fencing token: larger than that of any term before. It is at most 2^53, a number that JSON and a `BIGINT`
    /// can hold.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.token
    }

    /// Completes when the term is over: the lease was lost or given back. The job itself is dropped by then, so this is
    /// for what the job began elsewhere, such as a task or a thread.
    pub async fn lost(&self) {
        self.over.cancelled().await;
    }

    /// Whether the term is over: for what can't wait, such as a loop on a thread of its own.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.over.is_cancelled()
    }

    pub(super) fn end(&self) {
        self.over.cancel();
    }
}
