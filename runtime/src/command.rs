//! What the binary of a service does with its arguments.

use std::process::ExitCode;

use crate::CloudService;

/// Runs the service `C` as the process it is in, by the command line's arguments, and gives the exit code.
#[must_use = "return it from `main`"]
pub fn run<C: CloudService>() -> ExitCode {
    todo!()
}
