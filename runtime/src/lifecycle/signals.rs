//! SIGTERM and SIGINT, heard by a thread of their own: a blocked runtime can't keep a process from stopping.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use tokio::sync::watch;

use super::exit;

/// What a process was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Nothing yet.
    No,
    /// Stop, after serving as a lame duck.
    Gracefully,
    /// Stop without a lame duck: a person waits at a terminal.
    Soon,
}

/// Where the request to stop arrives.
pub(crate) type Stopping = watch::Receiver<Stop>;

/// The thread that listens for signals.
#[derive(Debug)]
pub(crate) struct SignalThread {
    pub(crate) stopping: Stopping,
    budget: Arc<AtomicU64>,
}

/// How long the shutdown may take where the configuration is not known yet: Kubernetes' default grace.
const DEFAULT_BUDGET: Duration = Duration::from_secs(30);

impl SignalThread {
    /// Installs the handlers. Runs before anything else: to process 1 of a container, a SIGTERM without a handler is
    /// nothing, and the grace would pass unused.
    pub(crate) fn install() -> io::Result<Self> {
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        let (asked, stopping) = watch::channel(Stop::No);
        let budget = Arc::new(AtomicU64::new(millis(DEFAULT_BUDGET)));
        let thread_budget = Arc::clone(&budget);
        thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                on_signal(signal, &asked, Duration::from_millis(thread_budget.load(Ordering::Relaxed)));
            }
        })?;
        Ok(Self { stopping, budget })
    }

    /// Says how long the whole shutdown may take.
    pub(crate) fn set_budget(&self, budget: Duration) {
        self.budget.store(millis(budget), Ordering::Relaxed);
    }
}

#[expect(clippy::disallowed_methods, reason = "a person asked twice: nothing is to be waited for")]
fn on_signal(signal: i32, asked: &watch::Sender<Stop>, budget: Duration) {
    let before = *asked.borrow();
    match (signal, before) {
        (SIGINT, Stop::Soon) => {
            exit::say("second SIGINT: exiting at once");
            std::process::exit(exit::INTERRUPTED.into());
        }
        (SIGINT, _) => {
            tracing::info!(signal = "SIGINT", "stopping without a lame duck; a second SIGINT exits at once");
            asked.send_replace(Stop::Soon);
        }
        (_, Stop::No) => {
            tracing::info!(signal = "SIGTERM", "stopping");
            asked.send_replace(Stop::Gracefully);
        }
        _ => tracing::info!(signal = "SIGTERM", "already stopping"),
    }
    if before == Stop::No {
        force_exit_after(budget);
    }
}

/// Ends the process when its budget is spent, whatever else hangs.
#[expect(clippy::disallowed_methods, reason = "what could be waited for did not come")]
fn force_exit_after(budget: Duration) {
    let watchdog = move || {
        thread::sleep(budget);
        exit::say(&format!("the shutdown took longer than {budget:?}: exiting with work unfinished"));
        std::process::exit(exit::CUT.into());
    };
    if let Err(error) = thread::Builder::new().name("watchdog".into()).spawn(watchdog) {
        tracing::warn!(%error, "no thread to force the exit when the shutdown hangs");
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
