//! What a service is told by its environment is in its configuration.
//!
//! A variable that a function reads is in no `--help` and in no manifest, and nobody knows that it is missing until the
//! function runs: hours after the rollout was green. A field of the configuration is read before anything else, and all
//! that is wrong with all fields is reported at once.
//!
//! See [Environment variables for a
//! container](https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/).
//!
//! ```wrong
//! #[handler]
//! async fn greeting() -> String {
//!     std::env::var("GREETING").unwrap_or_default()
//! }
//! ```
//!
//! ```right
//! #[config(env)]
//! struct Config {
//!     greeting: String,
//! }
//!
//! #[handler]
//! async fn greeting(State(config): State<Arc<Config>>) -> String {
//!     config.greeting.clone()
//! }
//! ```
//!
//! Code for tests may read what it likes, everybody may read what cargo sets (`CARGO_*`), what Kubernetes does
//! (`KUBERNETES_*`, `HOSTNAME`) and what a system has (`HOME`, `PATH`, `TMPDIR`, `TZ`, `USER`), a process may be given
//! all (`command.envs(std::env::vars())`), and arguments are no variables.
//!
//! It sees `std::env::var` and its kin, and `dotenv` and `dotenvy`, which set variables from a file. It can't see what
//! another library reads, such as `envy` or `clap`.

use super::{Check, FUNCTIONS, Findings, Level, Rule, plain_secret::is_secret};
use crate::{
    code::{Code, Path},
    config::is_reserved,
};

pub(super) const RULE: Rule =
    Rule { code: "SW013", name: "environment-read", level: Level::Error, check: Check::Everywhere(FUNCTIONS, check) };

const READS: [&str; 4] = ["std::env::var", "std::env::var_os", "std::env::vars", "std::env::vars_os"];
const FILES: [&str; 2] = ["dotenv::*", "dotenvy::*"];
/// What they say, and do not read.
const ERRORS: [&str; 2] = ["dotenv::Error::*", "dotenvy::Error::*"];

/// What is set by those who start the process, not by those who configure it.
const GIVEN: [&str; 4] = ["CARGO_", "KUBERNETES_", "RUST_BACKTRACE", "RUST_LIB_BACKTRACE"];
const OF_SYSTEM: [&str; 6] = ["HOME", "HOSTNAME", "PATH", "TMPDIR", "TZ", "USER"];

fn check(code: &Code, found: &mut Findings) {
    for path in code.functions(&READS) {
        let name = variable(code, path);
        if name.is_some_and(is_given) || is_passed_on(code, path.tokens.start) {
            continue;
        }
        let what = match name {
            Some(name) if is_runtimes(name) => format!("`{}` reads `{name}`, which is the runtime's", path.name),
            Some(name) => format!("`{}` reads `{name}`, which is not in the configuration", path.name),
            None => format!("`{}` reads what is not in the configuration", path.name),
        };
        found.add(code, path.tokens.start, path.tokens.end - 1, what, help(name));
    }
    for path in code.calls(&FILES).filter(|path| !path.is_one_of(&ERRORS)) {
        let what = format!("`{}` sets variables from a file, which no pod has", path.name);
        let help = "remove it, and read the file in your shell: `set -a; . ./.env`";
        found.add(code, path.tokens.start, path.tokens.end - 1, what, help);
    }
}

fn is_given(name: &str) -> bool {
    OF_SYSTEM.contains(&name) || GIVEN.iter().any(|given| name.starts_with(given))
}

/// Whether what is read is what another process is given: `command.envs(std::env::vars())`.
fn is_passed_on(code: &Code, at: usize) -> bool {
    code.methods_named(&["envs"]).any(|method| code.inside(method.arguments).contains(&at))
}

/// The name of the variable, where it is written.
fn variable<'a>(code: &'a Code, path: &Path) -> Option<&'a str> {
    path.arguments().and_then(|open| code.string(open + 1))
}

fn help(name: Option<&str>) -> String {
    match name {
        Some(name) if is_runtimes(name) => {
            format!("remove it: the runtime reads `{name}` itself")
        }
        Some(name) if is_variable(name) => {
            let field = name.to_lowercase();
            let ty = if is_secret(&field) { "Secret<String>" } else { "String" };
            format!("add `{field}: {ty}` to your `#[config(env)]`")
        }
        _ => "make it a field of your `#[config(env)]`".to_owned(),
    }
}

fn is_runtimes(name: &str) -> bool {
    is_reserved(name) || name.starts_with("OTEL_")
}

/// Whether a field can have the name of this variable.
fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
