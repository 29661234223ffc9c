//! What the binary of a service does with its arguments.

mod check;
mod help;
mod probe;

use std::{env, future::Future, process::ExitCode};

use crate::{
    CloudService,
    lifecycle::{self, Shutdown},
    probe::Outcome,
    service::Parts,
};

/// What the binary of a service with the state `S` does once, in place of serving. `#[command]` writes the implementation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    label = "listed as a command",
    note = "help: mark the function `{Self}` with `#[command]`"
)]
pub trait Command<S>: 'static {
    /// Its name and purpose.
    const COMMAND: CommandSpec;
    /// Runs it. `shutdown` completes when SIGTERM or SIGINT comes; the command then ends by itself, or is dropped where it
    /// waits after the time of the drain.
    fn run(state: &S, shutdown: Shutdown) -> impl Future<Output = Outcome> + Send;
}

/// The name and purpose of a command.
#[derive(Clone, Copy, Debug)]
pub struct CommandSpec {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
}

impl CommandSpec {
    /// A command that is called like this on the command line.
    #[must_use]
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        Self { name, description }
    }
}

/// Runs the service `C` as the process it is in, by the command line's arguments, and gives the exit code.
///
/// Without arguments it serves until SIGTERM or SIGINT. `--help` prints what the service is and the table of its
/// variables, `--version` its name and version; `check` loads the configuration, sets the service up, runs each
/// readiness check once and exits 0, 1, 69 or 78; `probe live` and `probe ready` ask the running process and exit 0
/// or 1. The name of one of its [commands](macro@crate::command) sets the service up and runs that, once. Other arguments exit
/// 64 (`EX_USAGE`).
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
        [] => lifecycle::run::<C>(None),
        ["--help" | "-h" | "help"] => help::print::<C>(),
        ["--version" | "-V"] => {
            println!("{} {}", C::ABOUT.name, C::ABOUT.version);
            ExitCode::SUCCESS
        }
        ["check"] => check::run::<C>(),
        ["probe", "live"] => probe::run("/health"),
        ["probe", "ready"] => probe::run("/ready"),
        [name] => {
            let Parts { commands, .. } = C::parts();
            match commands.into_iter().find(|command| command.spec.name == name) {
                Some(command) => lifecycle::run::<C>(Some(command)),
                None => help::refuse::<C>(&arguments),
            }
        }
        _ => help::refuse::<C>(&arguments),
    }
}
