//! What the binary of a service does with its arguments.

mod check;
mod help;
mod probe;

use std::{env, process::ExitCode};

use crate::{CloudService, lifecycle};

/// Runs the service `C` as the process it is in, by the command line's arguments, and gives the exit code.
///
/// Without arguments it serves until SIGTERM or SIGINT. `--help` prints what the service is and the table of its
/// variables, `--version` its name and version; `check` loads the configuration, sets the service up, runs each
/// readiness check once and exits 0, 1, 69 or 78; `probe live` and `probe ready` ask the running process and exit 0
/// or 1. Other arguments exit 64 (`EX_USAGE`).
///
/// `#[cloud_service]` on `main` calls it; a service made of another function is run by hand:
///
/// ```no_run
/// use seaworthy::prelude::*;
///
/// /// Says hello.
/// #[cloud_service]
/// async fn greeter() -> Router {
///     Router::new().route("/", get(async || "hello"))
/// }
///
/// fn main() -> std::process::ExitCode {
///     seaworthy::run::<greeter>()
/// }
/// ```
#[must_use = "return it from `main`"]
pub fn run<C: CloudService>() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        [] => lifecycle::serve::<C>(),
        ["--help" | "-h" | "help"] => help::print::<C>(),
        ["--version" | "-V"] => {
            println!("{} {}", C::ABOUT.name, C::ABOUT.version);
            ExitCode::SUCCESS
        }
        ["check"] => check::run::<C>(),
        ["probe", "live"] => probe::run("/health"),
        ["probe", "ready"] => probe::run("/ready"),
        _ => help::refuse::<C>(&arguments),
    }
}
