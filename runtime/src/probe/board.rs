//! The board: the last result of each check, which probes read and never wait for.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{Check, Outcome};
use crate::lifecycle::State;

/// Which probe a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Liveness,
    Readiness,
}

/// The last results of all checks of a service.
#[derive(Debug)]
pub(crate) struct Board {
    slots: Vec<Slot>,
}

/// The last result of one check.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) check: Check,
    pub(crate) probe: Probe,
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Last {
    /// When the check ended, or was listed if it never did.
    at: Instant,
    took: Duration,
    /// `None` before the first run ended.
    outcome: Option<Outcome>,
}

/// What a probe answers.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(skip)]
    pub(crate) passed: bool,
    /// One word: `ok`, `degraded`, `failing`, or the state that keeps the service from being ready.
    pub(crate) status: &'static str,
    checks: Vec<CheckReport>,
}

#[derive(Debug, Serialize)]
struct CheckReport {
    name: &'static str,
    status: &'static str,
    critical: bool,
    age_seconds: f64,
    duration_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

// === impl Board ===

impl Board {
    pub(crate) fn new(checks: impl IntoIterator<Item = (Probe, Check)>) -> Self {
        Self { slots: checks.into_iter().map(|(probe, check)| Slot::new(probe, check)).collect() }
    }

    pub(crate) fn slot(&self, probe: Probe, name: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.probe == probe && slot.check.name == name)
    }

    /// What the liveness probe answers in this state. No state is a reason to restart a process, and once the service's
    /// runtime is gone nothing runs its checks.
    pub(crate) fn liveness(&self, state: State) -> Report {
        let report = self.report(Probe::Liveness, None);
        if state < State::Flushing { report } else { Report { passed: true, status: "ok", checks: Vec::new() } }
    }

    /// What the readiness probe answers in this state.
    pub(crate) fn readiness(&self, state: State) -> Report {
        let word = match state {
            State::Ready => None,
            State::Starting => Some("starting"),
            _ => Some("draining"),
        };
        self.report(Probe::Readiness, word)
    }

    /// Whether every critical readiness check passed at least once, so that start-up is over.
    pub(crate) fn started(&self) -> bool {
        self.slots.iter().all(|slot| slot.probe == Probe::Liveness || !slot.check.critical || slot.has_result())
    }

    fn report(&self, probe: Probe, state: Option<&'static str>) -> Report {
        let checks: Vec<_> = self.slots.iter().filter(|slot| slot.probe == probe).map(Slot::report).collect();
        let failing = checks.iter().any(|check| check.critical && check.error.is_some());
        let degraded = checks.iter().any(|check| check.error.is_some());
        let status = match (state, failing, degraded) {
            (Some(state), ..) => state,
            (None, true, _) => "failing",
            (None, false, true) => "degraded",
            (None, false, false) => "ok",
        };
        Report { passed: state.is_none() && !failing, status, checks }
    }
}

// === impl Slot ===

impl Slot {
    fn new(probe: Probe, check: Check) -> Self {
        let last = Last { at: Instant::now(), took: Duration::ZERO, outcome: None };
        Self { check, probe, last: Mutex::new(last) }
    }

    /// Keeps a result, and says whether it passes while the one before didn't, or the other way round.
    pub(crate) fn keep(&self, outcome: Outcome, took: Duration) -> bool {
        let mut last = self.lock();
        let changed = last.outcome.as_ref().map(Result::is_ok) != Some(outcome.is_ok());
        *last = Last { at: Instant::now(), took, outcome: Some(outcome) };
        changed
    }

    fn has_result(&self) -> bool {
        self.lock().outcome.is_some()
    }

    /// A result that is too old says nothing: whatever runs the checks is stuck.
    fn too_old(&self) -> Duration {
        3 * self.check.every.max(self.check.timeout)
    }

    fn report(&self) -> CheckReport {
        let last = self.lock();
        let age = last.at.elapsed();
        let error = match &last.outcome {
            _ if age > self.too_old() => Some(format!("no result for {:.1} s", age.as_secs_f64())),
            // A liveness check has until then to say that something is wrong: restarting a process that just began
            // helps nobody.
            None if self.probe == Probe::Readiness => Some("not run yet".into()),
            None => None,
            Some(outcome) => outcome.as_ref().err().cloned(),
        };
        CheckReport {
            name: self.check.name,
            status: if error.is_some() { "failing" } else { "ok" },
            critical: self.check.critical,
            age_seconds: age.as_secs_f64(),
            duration_seconds: last.took.as_secs_f64(),
            error,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: Check = Check::new("sessions", "").every(Duration::from_secs(60));

    fn board(check: Check) -> Board {
        Board::new([(Probe::Readiness, check)])
    }

    #[test]
    fn a_service_is_not_ready_before_each_check_passed() {
        let board = board(CHECK);
        assert!(!board.readiness(State::Ready).passed);
        board.slots[0].keep(Ok(()), Duration::ZERO);
        assert!(board.readiness(State::Ready).passed);
        assert!(!board.readiness(State::LameDuck).passed);
    }

    #[test]
    fn a_process_is_alive_while_it_flushes_though_nothing_runs_its_checks() {
        let board = Board::new([(Probe::Liveness, CHECK)]);
        board.slots[0].keep(Err("stuck".into()), Duration::ZERO);
        assert!(!board.liveness(State::Closing).passed);
        assert!(board.liveness(State::Flushing).passed);
    }

    #[test]
    fn a_check_that_is_not_critical_degrades_and_does_not_fail() {
        let board = board(CHECK.critical(false));
        board.slots[0].keep(Err("away".into()), Duration::ZERO);
        let report = board.readiness(State::Ready);
        assert_eq!((report.passed, report.status), (true, "degraded"));
    }

    #[test]
    fn a_result_older_than_three_intervals_fails() {
        let board = board(CHECK.every(Duration::from_nanos(1)).timeout(Duration::from_nanos(1)));
        board.slots[0].keep(Ok(()), Duration::ZERO);
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(board.readiness(State::Ready).status, "failing");
    }
}
