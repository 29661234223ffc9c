//! Workers: background tasks that live as long as the service.

use std::{fmt, future::Future, time::Duration};

use crate::{lifecycle::Shutdown, probe::Outcome};

/// A background task of a service with the state `S`. `#[worker]` writes the implementation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a worker",
    label = "listed as a worker",
    note = "help: mark the function `{Self}` with `#[worker]`"
)]
pub trait Worker<S>: 'static {
    /// Its name, purpose and restarts.
    const WORKER: WorkerSpec;
    /// Runs it. `shutdown` completes when the drain begins; the worker then ends by itself, or is dropped where it
    /// waits at the drain's deadline.
    fn run(state: &S, shutdown: Shutdown) -> impl Future<Output = Outcome> + Send;
}

/// The name, purpose and restarts of a worker.
#[derive(Clone, Copy, Debug)]
pub struct WorkerSpec {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) restart: Restart,
    pub(crate) backoff: (Duration, Duration),
}

/// What follows when a worker ends before the service does. The names are those of Kubernetes' `restartPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It is started again, whether it succeeded, failed or panicked.
    Always,
    /// It is started again when it failed or panicked.
    OnFailure,
    /// It is not started again; when it failed or panicked, the service stops with exit code 1.
    Never,
}

/// What a worker function may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't say whether the worker succeeded",
    label = "returned by a worker",
    note = "help: return `()`, or a `Result` whose error implements `Display`"
)]
pub trait WorkerOutput {
    /// Whether the worker succeeded, and why not.
    fn into_outcome(self) -> Outcome;
}

// === impl WorkerSpec ===

impl WorkerSpec {
    /// A worker that is started again when it failed, after 1 s at first and 1 min at most.
    #[must_use]
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            description,
            restart: Restart::OnFailure,
            backoff: (Duration::from_secs(1), Duration::from_secs(60)),
        }
    }

    /// What follows when the worker ends before the service does.
    #[must_use]
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How long to wait before the first restart, and at most: the wait doubles each time, with jitter, and begins
    /// anew once the worker ran for the longest wait.
    #[must_use]
    pub const fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = (first, longest);
        self
    }
}

// === impl WorkerOutput ===

#[diagnostic::do_not_recommend]
impl WorkerOutput for () {
    fn into_outcome(self) -> Outcome {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<T, E: fmt::Display> WorkerOutput for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        self.map(|_| ()).map_err(|error| format!("{error:#}"))
    }
}
