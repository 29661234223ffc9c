//! A service as the process it is in: environment in, exit code out.

use std::{process::ExitCode, sync::Arc, time::Duration};

use super::{
    Conductor,
    exit::{CONFIG, Exit, FAILED},
    signals::SignalThread,
};
use crate::{
    CloudService,
    config::{self, Environment, Loaded, Settings},
    panic,
    service::{CommandPart, StateOf},
    telemetry::Telemetry,
};

/// Loads the configuration, serves until a signal comes, or runs a command instead, and gives the exit code.
pub(crate) fn run<C: CloudService>(command: Option<CommandPart<StateOf<C>>>) -> ExitCode {
    let signals = match SignalThread::install() {
        Ok(signals) => signals,
        Err(error) => return refuse(FAILED, &format!("signals can't be handled: {error}"), ""),
    };
    let environment = Environment::of_process();
    let Loaded { config, settings, warnings } = match config::load::<C::Config>(&environment, C::DEFAULTS) {
        Ok(loaded) => loaded,
        Err(report) => return refuse(CONFIG, &report.summary(), &report.to_string()),
    };
    signals.set_budget(budget(&settings));
    raise_file_limit();

    let telemetry = Telemetry::start(&C::ABOUT, &settings, &environment);
    panic::log_panics();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let stopping = signals.stopping;
    let telemetry = Arc::new(telemetry);
    Conductor::<C> { config, settings, telemetry, stopping, command, serving: None }.run().leave()
}

/// How long the whole shutdown may take: what its stages may take, and a second for what lies between them.
fn budget(settings: &Settings) -> Duration {
    (settings.longest_shutdown() + Duration::from_secs(1)).min(settings.termination_grace)
}

/// Ends a process that has no telemetry yet: people read stderr, Kubernetes the reason.
fn refuse(code: u8, reason: &str, details: &str) -> ExitCode {
    eprintln!("{}", if details.is_empty() { reason } else { details });
    Exit::new(code, reason).leave()
}

/// Raises the soft limit on open files to the hard one, as Go's runtime does: each connection is one.
fn raise_file_limit() {
    // Where that fails the limit stays as it was: the accept loop copes.
    let _ = rlimit::increase_nofile_limit(rlimit::INFINITY);
}
