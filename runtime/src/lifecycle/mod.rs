//! From `exec` to `exit`: states, signals, exit codes, and the stages of a shutdown.

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
