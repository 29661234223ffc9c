//! Workers: background tasks that live as long as the service.

use std::{
    fmt,
    future::Future,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::{
    lifecycle::{Lifecycle, Shutdown},
    panic,
    probe::Outcome,
    service::{BoxFuture, WorkerPart},
};

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

/// What the function of a worker or a command may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't say whether the work succeeded",
    label = "returned by a worker or a command",
    note = "help: return `()`, or a `Result` whose error implements `Display`"
)]
pub trait WorkerOutput {
    /// Whether the work succeeded, and why not.
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

// === supervision ===

/// Runs a worker of any state: what supervises it is compiled once.
type Run = Box<dyn Fn(Shutdown) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// Starts the workers of a service. `failed` hears of one that was not to fail; the tracker is empty once all ended.
pub(crate) fn start<S>(
    runtime: &tokio::runtime::Handle,
    tracker: &TaskTracker,
    parts: Vec<WorkerPart<S>>,
    state: &S,
    lifecycle: &Arc<Lifecycle>,
    failed: &mpsc::Sender<String>,
) where
    S: Clone + Send + Sync + 'static,
{
    for WorkerPart { spec, run } in parts {
        let state = state.clone();
        let run: Run = Box::new(move |shutdown| {
            let state = state.clone();
            Box::pin(async move { run(&state, shutdown).await })
        });
        tracker.spawn_on(supervised(spec, run, Arc::clone(lifecycle), failed.clone()), runtime);
    }
}

fn supervised(
    spec: WorkerSpec,
    run: Run,
    lifecycle: Arc<Lifecycle>,
    failed: mpsc::Sender<String>,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        tokio::select! {
            () = supervise(spec, run, &lifecycle, failed) => {}
            () = lifecycle.cut.cancelled() => {
                tracing::warn!(worker = spec.name, "worker cut: it had not ended at the drain's deadline");
            }
        }
        metrics::gauge!("seaworthy_worker_up", "worker" => spec.name).set(0);
    })
}

async fn supervise(spec: WorkerSpec, run: Run, lifecycle: &Lifecycle, failed: mpsc::Sender<String>) {
    let (first, longest) = spec.backoff;
    let mut wait = first;
    loop {
        metrics::gauge!("seaworthy_worker_up", "worker" => spec.name).set(1);
        let began = Instant::now();
        let shutdown = Shutdown::new(lifecycle.shutdown.clone());
        let outcome = panic::caught(async { run(shutdown).await }).await;
        metrics::gauge!("seaworthy_worker_up", "worker" => spec.name).set(0);

        let error = match outcome {
            Ok(outcome) => outcome.err(),
            Err(message) => Some(format!("panicked: {message}")),
        };
        let stopping = lifecycle.shutdown.is_cancelled();
        match (&error, spec.restart) {
            (Some(error), _) if stopping => {
                return tracing::warn!(worker = spec.name, %error, "worker failed while the service stopped");
            }
            (None, _) if stopping => return,
            (Some(error), Restart::Never) => {
                tracing::error!(worker = spec.name, %error, "worker failed: the service stops");
                // The service stops already if nobody listens.
                let _ = failed.try_send(format!("the worker `{}` failed: {error}", spec.name));
                return;
            }
            (None, Restart::Never | Restart::OnFailure) => {
                return tracing::info!(worker = spec.name, "worker is done");
            }
            (_, Restart::Always | Restart::OnFailure) => {}
        }

        if began.elapsed() >= longest {
            wait = first;
        }
        let pause = jittered(wait);
        metrics::counter!("seaworthy_worker_restarts_total", "worker" => spec.name).increment(1);
        match &error {
            Some(error) => tracing::warn!(worker = spec.name, %error, "worker failed: restarting in {pause:?}"),
            None => tracing::info!(worker = spec.name, "worker ended: restarting in {pause:?}"),
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = lifecycle.shutdown.cancelled() => return,
        }
        wait = (wait * 2).min(longest);
    }
}

/// Between half of a duration and all of it, so that replicas don't retry in step.
fn jittered(duration: Duration) -> Duration {
    let random = RandomState::new().hash_one(()) as u32;
    duration / 2 + (duration / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}
