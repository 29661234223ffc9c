//! From `exec` to `exit`: states, signals, exit codes, and the stages of a shutdown.
// In the order in which a process passes: `process` begins with the `signals`, loads the configuration and starts the
// telemetry; `conductor` leads the service through each `state`, of which its parts learn by tokens, and a user's code
// by `shutdown`; `exit` is what is left. `owner` tells code anywhere in the service which one it is.

mod conductor;
pub(crate) mod exit;
#[allow(dead_code, reason = "each of its users is a feature of its own")]
mod owner;
mod process;
mod shutdown;
pub(crate) mod signals;
mod state;

#[cfg(feature = "testing")]
pub(crate) use self::conductor::Addresses;
pub(crate) use self::{conductor::Conductor, owner::Owner, process::run, state::Lifecycle};
pub use self::{shutdown::Shutdown, state::State};
