//! Runs each check in the background: one run at a time, each with its deadline, its panics caught.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    time::{MissedTickBehavior, interval_at},
};

use super::{
    Check, Outcome,
    board::{Board, Probe},
};
use crate::{
    panic,
    service::{BoxFuture, LivenessPart, ReadinessPart},
};

/// A liveness check that every service has: whether its runtime still runs tasks.
///
/// It costs one timer a second, and fails after three seconds in which no worker thread was free.
pub(crate) const RUNTIME: Check =
    Check::new("runtime", "The runtime runs tasks.").every(Duration::from_secs(1)).timeout(Duration::from_secs(1));

type Run = Box<dyn Fn() -> BoxFuture<'static, Outcome> + Send>;

/// Starts the liveness checks, on the runtime that they are to speak for.
pub(crate) fn start_liveness(runtime: &Handle, board: &Arc<Board>, parts: Vec<LivenessPart>) {
    for probe in [Probe::Liveness, Probe::Readiness] {
        spawn(runtime, board, probe, RUNTIME, Box::new(|| Box::pin(async { Ok(()) })));
    }
    for LivenessPart { check, run } in parts {
        spawn(runtime, board, Probe::Liveness, check, Box::new(run));
    }
}

/// Starts the readiness checks, once there is a state to check.
pub(crate) fn start_readiness<S>(runtime: &Handle, board: &Arc<Board>, parts: Vec<ReadinessPart<S>>, state: &S)
where
    S: Clone + Send + Sync + 'static,
{
    for ReadinessPart { check, run } in parts {
        let state = state.clone();
        let run = move || -> BoxFuture<'static, Outcome> {
            let state = state.clone();
            Box::pin(async move { run(&state).await })
        };
        spawn(runtime, board, Probe::Readiness, check, Box::new(run));
    }
}

/// Runs a check once: `Err` when it failed, panicked or took longer than it may.
pub(crate) async fn run_once(check: &Check, run: BoxFuture<'static, Outcome>) -> Outcome {
    match tokio::time::timeout(check.timeout, panic::caught(run)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(message)) => Err(format!("panicked: {message}")),
        Err(_) => Err(format!("took longer than {:?}", check.timeout)),
    }
}

fn spawn(runtime: &Handle, board: &Arc<Board>, probe: Probe, check: Check, run: Run) {
    let board = Arc::clone(board);
    let checking: BoxFuture<'static, ()> = Box::pin(async move {
        // The first run is now: even a timer that is due at once takes a millisecond, which is most of a start.
        let mut ticks = interval_at(tokio::time::Instant::now() + check.every, check.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let began = Instant::now();
            // A check that panics before its first `await` panics in `run`.
            let outcome = match panic::caught_now(&run) {
                Ok(future) => run_once(&check, future).await,
                Err(message) => Err(format!("panicked: {message}")),
            };
            keep(&board, probe, &check, outcome, began.elapsed());
            ticks.tick().await;
        }
    });
    runtime.spawn(checking);
}

fn keep(board: &Board, probe: Probe, check: &Check, outcome: Outcome, took: Duration) {
    let label = match probe {
        Probe::Liveness => "liveness",
        Probe::Readiness => "readiness",
    };
    metrics::gauge!("seaworthy_check_status", "check" => check.name, "probe" => label).set(u8::from(outcome.is_ok()));
    metrics::histogram!("seaworthy_check_duration_seconds", "check" => check.name, "probe" => label)
        .record(took.as_secs_f64());
    let Some(slot) = board.slot(probe, check.name) else { return };
    let error = outcome.as_ref().err().cloned();
    match (slot.keep(outcome, took), error) {
        (true, Some(error)) => tracing::warn!(check = check.name, probe = label, %error, "check fails"),
        (true, None) if check.name != RUNTIME.name => {
            tracing::info!(check = check.name, probe = label, "check passes");
        }
        _ => {}
    }
}
