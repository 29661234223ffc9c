//! From `exec` to `exit`: states, signals, the budget, and how a service is stopped.

mod shutdown;

pub use self::shutdown::Shutdown;
