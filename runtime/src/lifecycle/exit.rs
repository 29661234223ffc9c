//! How a process ends: its exit code, and the line that says why.

use std::{fs::OpenOptions, io::Write, process::ExitCode};

use crate::error::{Error, Kind};

/// Everything was drained.
pub(crate) const DRAINED: u8 = 0;
/// The service failed while it ran, or its set-up did.
pub(crate) const FAILED: u8 = 1;
/// The drain's deadline passed and work was cut.
pub(crate) const CUT: u8 = 2;
/// A dependency or an address was not available at start (`EX_UNAVAILABLE` of sysexits.h).
pub(crate) const UNAVAILABLE: u8 = 69;
/// The configuration is invalid (`EX_CONFIG` of sysexits.h).
pub(crate) const CONFIG: u8 = 78;
/// A second SIGINT (128 + 2, as shells have it).
pub(crate) const INTERRUPTED: u8 = 130;

/// Where Kubernetes reads why a container ended.
///
/// <https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/>
const TERMINATION_LOG: &str = "/dev/termination-log";

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) code: u8,
    pub(crate) reason: String,
}

impl Exit {
    pub(crate) fn new(code: u8, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// Gives the exit code, and leaves the reason where Kubernetes looks for it.
    pub(crate) fn leave(self) -> ExitCode {
        write_termination_log(&self.reason);
        ExitCode::from(self.code)
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        let code = match error.kind() {
            Kind::Failed => FAILED,
            Kind::Unavailable => UNAVAILABLE,
            Kind::Config => CONFIG,
        };
        Self::new(code, format!("{error:#}"))
    }
}

/// Says why the process ends where logging may be no more: on stderr and in the termination log.
pub(crate) fn say(reason: &str) {
    // Nothing is left to tell a failure to.
    let _ = writeln!(std::io::stderr(), "{reason}");
    write_termination_log(reason);
}

fn write_termination_log(reason: &str) {
    if let Ok(mut file) = OpenOptions::new().append(true).open(TERMINATION_LOG) {
        let _ = writeln!(file, "{}", reason.lines().next().unwrap_or_default());
    }
}
