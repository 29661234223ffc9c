//! Liveness and readiness: what a check is, and what it may return.

pub(crate) mod board;
pub(crate) mod runner;

use std::{any::Any, fmt, future::Future, time::Duration};

use http::StatusCode;

/// What a check or a worker came to: an error says why it failed.
pub type Outcome = Result<(), String>;

/// A liveness check: whether this process can go on. It takes no state, because a dependency that is down must not
/// restart every pod. `#[health]` writes the implementation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a liveness check",
    label = "listed as a liveness check",
    note = "help: mark the function `{Self}` with `#[health]`"
)]
pub trait Liveness: 'static {
    /// Its name, purpose and times.
    const CHECK: Check;
    /// Runs it once. It is dropped where it waits when its deadline passes.
    fn check() -> impl Future<Output = Outcome> + Send;
}

/// A readiness check of a service with the state `S`: whether requests can be served now. `#[ready]` writes the
/// implementation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a readiness check",
    label = "listed as a readiness check",
    note = "help: mark the function `{Self}` with `#[ready]`"
)]
pub trait Readiness<S>: 'static {
    /// Its name, purpose and times.
    const CHECK: Check;
    /// Runs it once. It is dropped where it waits when its deadline passes.
    fn check(state: &S) -> impl Future<Output = Outcome> + Send;
}

/// The name, purpose and times of a check.
///
/// ```
/// use std::time::Duration;
/// use seaworthy::Check;
///
/// const CHECK: Check = Check::new("sessions", "Sessions can be read.").every(Duration::from_secs(2));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Check {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) every: Duration,
    pub(crate) timeout: Duration,
    pub(crate) critical: bool,
}

/// What a check function may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't say whether the check passed",
    label = "returned by a check",
    note = "help: return `()`, `bool`, `StatusCode`, or a `Result` whose error implements `Display`"
)]
pub trait CheckOutput {
    /// Whether the check passed, and why not.
    fn into_outcome(self) -> Outcome;
}

// === impl Check ===

impl Check {
    /// A critical check that runs every 5 s and fails after 1 s.
    #[must_use]
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        Self { name, description, every: Duration::from_secs(5), timeout: Duration::from_secs(1), critical: true }
    }

    /// How long to wait between two runs. A result older than three of these is a failure.
    #[must_use]
    pub const fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// How long one run may take.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether the probe fails with this check. If not, it reports `degraded`.
    #[must_use]
    pub const fn critical(mut self, critical: bool) -> Self {
        self.critical = critical;
        self
    }
}

// === impl CheckOutput ===

#[diagnostic::do_not_recommend]
impl CheckOutput for () {
    fn into_outcome(self) -> Outcome {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl CheckOutput for bool {
    fn into_outcome(self) -> Outcome {
        if self { Ok(()) } else { Err("returned false".into()) }
    }
}

#[diagnostic::do_not_recommend]
impl CheckOutput for StatusCode {
    fn into_outcome(self) -> Outcome {
        if self.is_success() { Ok(()) } else { Err(format!("returned {self}")) }
    }
}

/// An `Ok` passes whatever it holds, but for the `bool` and the `StatusCode` that would fail by themselves.
#[diagnostic::do_not_recommend]
impl<T: 'static, E: fmt::Display> CheckOutput for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        let value = self.map_err(|error| format!("{error:#}"))?;
        let value: &dyn Any = &value;
        match (value.downcast_ref::<bool>(), value.downcast_ref::<StatusCode>()) {
            (Some(passed), _) => passed.into_outcome(),
            (_, Some(status)) => status.into_outcome(),
            _ => Ok(()),
        }
    }
}
