//! From `exec` to `exit`: states, signals, exit codes, and the stages of a shutdown.

mod conductor;
pub(crate) mod exit;
mod process;
mod shutdown;
pub(crate) mod signals;
mod state;

pub(crate) use self::{
    conductor::{Addresses, Conductor},
    process::serve,
    state::Lifecycle,
};
pub use self::{shutdown::Shutdown, state::State};
