//! What only expansions call. Nothing here is public API.

use crate::config::{self, Config};
use crate::probe::{CheckOutput, Outcome};
use crate::worker::WorkerOutput;

pub use crate::http::handler::{error_of, handle, handler_span, never};

/// Fails to compile where a struct nested in `C` has a variable of another field, or of the runtime.
#[track_caller]
pub const fn check_variables<C: Config>() {
    config::check::<C>();
}

/// Whether a check passed; `T` is what its function returns.
pub fn check_outcome<T: CheckOutput>(output: T) -> Outcome {
    output.into_outcome()
}

/// Whether a worker or a command succeeded; `T` is what its function returns.
pub fn worker_outcome<T: WorkerOutput>(output: T) -> Outcome {
    output.into_outcome()
}
