//! A service ends by its drain, never in the middle of a function.
//!
//! `std::process::exit` ends the process where it stands: requests in flight are cut off, nothing is taken out of the
//! endpoints, the last spans and logs are not sent, no resource is closed. Kubernetes sees a container that failed, and
//! restarts it with growing pauses.
//!
//! See [Pod termination](https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination).
//!
//! ```wrong
//! #[handler]
//! async fn order() -> StatusCode {
//!     if !save_order().await {
//!         std::process::exit(1);
//!     }
//!     StatusCode::CREATED
//! }
//! ```
//!
//! ```right
//! #[handler]
//! async fn order() -> StatusCode {
//!     if !save_order().await {
//!         return StatusCode::SERVICE_UNAVAILABLE;
//!     }
//!     StatusCode::CREATED
//! }
//! ```
//!
//! What can't go on says so by an error: that of the set-up ends the process before it serves, that of a worker with
//! `restart = "never"` begins the drain.
//!
//! It sees the function called and given to another. It can't see what a library calls, such as `clap`'s `exit()`, or a
//! signal that the process sends itself: SIGTERM begins the drain.

use super::{Check, FUNCTIONS, Findings, Level, Rule};
use crate::code::Code;

pub(super) const RULE: Rule =
    Rule { code: "SW008", name: "process-exit", level: Level::Error, check: Check::Everywhere(FUNCTIONS, check) };

const EXITS: [&str; 5] = ["std::process::exit", "std::process::abort", "libc::exit", "libc::_exit", "libc::abort"];

fn check(code: &Code, found: &mut Findings) {
    for path in code.functions(&EXITS) {
        found.add(
            code,
            path.tokens.start,
            path.tokens.end - 1,
            format!("`{}` cuts off the requests in flight: there is no drain", path.name),
            "return an error; that of a `restart = \"never\"` worker ends the service",
        );
    }
}
