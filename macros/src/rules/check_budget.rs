//! A check ends within its own timeout.
//!
//! The runtime cuts a check after its `timeout` (1 s by default), so that `/ready` always answers before the kubelet's
//! probe gives up. What waits longer inside never gets to its own end: the error that it would have told is lost, and
//! the pod is out of the endpoints for a "timed out" that says nothing.
//!
//! See [Configure probes](https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/).
//!
//! ```wrong
//! #[ready]
//! async fn database(State(pool): State<Pool>) -> Result<(), Error> {
//!     tokio::time::timeout(Duration::from_secs(5), pool.ping()).await?
//! }
//! ```
//!
//! ```right
//! #[ready(timeout = "2s")]
//! async fn database(State(pool): State<Pool>) -> Result<(), Error> {
//!     tokio::time::timeout(Duration::from_secs(1), pool.ping()).await?
//! }
//! ```
//!
//! It sees times that are written in the check: `tokio::time::timeout` and `sleep`, and a method `timeout`. It can't
//! see times in constants, several waits that are too long together, or what a called function waits for.

use std::time::Duration;

use super::{
    Annotated, Check, Findings, Level, Rule,
    waits::{Argument, waits},
};
use crate::{check::EVERY, duration};

pub(super) const RULE: Rule = Rule {
    code: "SW028",
    name: "check-budget",
    level: Level::Error,
    check: Check::Function(&["health", "ready"], check),
};

/// How long a check may take where nothing else is said, as `Check::new` has it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let (code, arguments) = (&annotated.code, &annotated.arguments);
    let of = |name, default| Argument::of(arguments, 0..arguments.len(), name).or(default);
    let (Some(timeout), Some(every)) = (of("timeout", TIMEOUT), of("every", EVERY)) else {
        return;
    };
    for wait in waits(code, code.body()).into_iter().filter(|wait| wait.longest >= timeout) {
        let longer = Duration::from_secs(wait.longest.as_secs().saturating_add(1));
        let shown = duration::show(longer);
        let every = if longer > every { format!(", every = \"{shown}\"") } else { String::new() };
        found.add(
            code,
            wait.first,
            wait.last,
            format!(
                "`{}` waits up to {}, and the check is cut after {}",
                wait.name,
                duration::show(wait.longest),
                duration::show(timeout)
            ),
            format!("wait less, or write `#[{}(timeout = \"{shown}\"{every})]`", annotated.attribute),
        );
    }
}
