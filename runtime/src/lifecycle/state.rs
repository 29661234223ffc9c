//! The states of a process, in the order in which it passes through them.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;

/// Where a process is between `exec` and `exit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum State {
    /// The set-up runs; the main listener is bound and accepts nothing yet.
    Starting,
    /// Requests are served.
    Ready,
    /// Requests are served while load balancers learn that this process is leaving.
    LameDuck,
    /// The main listener is closed; requests in flight finish.
    Draining,
    /// What had not finished by the deadline is cancelled.
    Cancelling,
    /// Resources are closed.
    Closing,
    /// Spans, logs and metrics go out.
    Flushing,
    /// The process exits.
    Stopped,
}

/// The state of one service, shared by all of its parts.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    state: AtomicU8,
    /// Cancelled when the drain begins.
    pub(crate) shutdown: CancellationToken,
    /// Cancelled when the drain's deadline passed.
    pub(crate) cut: CancellationToken,
}

// === impl State ===

impl State {
    const ALL: [Self; 8] = [
        Self::Starting,
        Self::Ready,
        Self::LameDuck,
        Self::Draining,
        Self::Cancelling,
        Self::Closing,
        Self::Flushing,
        Self::Stopped,
    ];

    /// The state's name in logs, in metrics and in the answers of probes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::LameDuck => "lame_duck",
            Self::Draining => "draining",
            Self::Cancelling => "cancelling",
            Self::Closing => "closing",
            Self::Flushing => "flushing",
            Self::Stopped => "stopped",
        }
    }
}

// === impl Lifecycle ===

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU8::new(State::Starting as u8),
            shutdown: CancellationToken::new(),
            cut: CancellationToken::new(),
        }
    }

    pub(crate) fn state(&self) -> State {
        let state = usize::from(self.state.load(Ordering::Acquire));
        State::ALL.get(state).copied().unwrap_or(State::Stopped)
    }

    /// Enters a state, and with it lets everyone know who waits for what it means.
    pub(crate) fn enter(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
        for each in State::ALL {
            metrics::gauge!("seaworthy_lifecycle_state", "state" => each.as_str()).set(u8::from(each == state));
        }
        tracing::info!(lifecycle.state = state.as_str(), "state changed");
        if state >= State::Draining {
            self.shutdown.cancel();
        }
        if state >= State::Cancelling {
            self.cut.cancel();
        }
    }
}
