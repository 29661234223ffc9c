//! A shutdown fits into the pod's grace.
//!
//! Kubernetes sends SIGTERM, and SIGKILL once `terminationGracePeriodSeconds` have passed. In between the service
//! serves on while load balancers take it out (`lame_duck`), answers what it has (`drain`), and takes up to 8 s to
//! cancel the rest, to close and to send its telemetry. Where that is longer than the grace, requests are cut in every
//! rollout.
//!
//! See [Pod termination](https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination).
//!
//! ```wrong
//! #[cloud_service(drain = "30s")]
//! async fn main() -> Router {
//!     Router::new()
//! }
//! ```
//!
//! ```right
//! #[cloud_service(drain = "30s", grace = "45s")]
//! async fn main() -> Router {
//!     Router::new()
//! }
//! ```
//!
//! What the attribute does not say has its default: `lame_duck` 5 s, `drain` 15 s, `grace` 30 s. It can't see what the
//! environment says instead: `LAME_DUCK`, `DRAIN_TIMEOUT` and `TERMINATION_GRACE` go before the attribute, and what holds
//! in the end is checked in the same way when the process starts. Allow it where every manifest says what fits. Nor does it
//! know the pod's spec, where `terminationGracePeriodSeconds` has to be as long as `grace`.

use std::time::Duration;

use super::{Annotated, Check, Findings, Level, Rule, waits::Argument};
use crate::duration;

pub(super) const RULE: Rule = Rule {
    code: "SW030",
    name: "shutdown-budget",
    level: Level::Error,
    check: Check::Function(&["cloud_service"], check),
};

/// The defaults of the runtime, in Kubernetes.
pub(crate) const LAME_DUCK: Duration = Duration::from_secs(5);
pub(crate) const DRAIN: Duration = Duration::from_secs(15);
pub(crate) const GRACE: Duration = Duration::from_secs(30);
/// How long cancelling, closing and flushing may take.
pub(crate) const REST: Duration = Duration::from_secs(8);

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.arguments;
    let given = |name: &str| Argument::of(code, 0..code.len(), name);
    let [lame_duck, drain, grace] = ["lame_duck", "drain", "grace"].map(given);
    let Some(at) = grace.place().or(drain.place()).or(lame_duck.place()) else {
        return;
    };
    let (Some(lame_duck), Some(drain), Some(grace)) = (lame_duck.or(LAME_DUCK), drain.or(DRAIN), grace.or(GRACE))
    else {
        return;
    };
    let longest = lame_duck.saturating_add(drain).saturating_add(REST);
    if longest <= grace {
        return;
    }
    let shown = [lame_duck, drain, REST, longest, grace].map(duration::show);
    let [lame_duck_is, drain_is, rest_is, longest_is, grace_is] = shown;
    let what = format!(
        "lame_duck {lame_duck_is} + drain {drain_is} + {rest_is} to close is {longest_is}, and grace is {grace_is}"
    );
    let seconds = whole_seconds(longest);
    let help =
        format!("write `grace = \"{seconds}s\"`, and `terminationGracePeriodSeconds: {seconds}` in the pod's spec");
    let help = match grace.checked_sub(lame_duck + REST).filter(|rest| !rest.is_zero()) {
        Some(rest) => format!("{help}\nhelp: or write `drain = \"{}\"`", duration::show(rest)),
        None => help,
    };
    found.push(code.at(at, at), usize::MAX, what, help);
}

/// Its seconds, and one more where there is a part of one.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
