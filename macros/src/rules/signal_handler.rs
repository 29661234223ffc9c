//! The signals that end a service are heard in one place, the runtime.
//!
//! Kubernetes sends SIGTERM, and then the order matters: readiness fails, traffic goes elsewhere, requests in flight
//! end, workers, resources and telemetry follow. A second handler takes the signal from that, or ends its own part
//! first: while requests still come that need it.
//!
//! See [Pod termination](https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination).
//!
//! ```wrong
//! #[worker]
//! async fn mails() {
//!     tokio::select! {
//!         () = send_mails() => {}
//!         _ = tokio::signal::ctrl_c() => {}
//!     }
//! }
//! ```
//!
//! ```right
//! #[worker]
//! async fn mails(shutdown: Shutdown) {
//!     tokio::select! {
//!         () = send_mails() => {}
//!         () = shutdown => {}
//!     }
//! }
//! ```
//!
//! It sees handlers of tokio, `ctrlc`, `signal-hook`, `nix` and `libc`, where SIGTERM or SIGINT is named in their
//! arguments. Other signals (SIGHUP, SIGUSR1) are the user's own. It can't see a signal that is a variable.

use super::{Check, FUNCTIONS, Findings, Level, Rule};
use crate::code::{Code, Path};

pub(super) const RULE: Rule =
    Rule { code: "SW010", name: "signal-handler", level: Level::Error, check: Check::Everywhere(FUNCTIONS, check) };

/// What hears SIGINT, or SIGTERM too.
const ALWAYS: [&str; 3] = ["tokio::signal::ctrl_c", "ctrlc::set_handler", "ctrlc::try_set_handler"];

/// What hears the signals that it is given.
const GIVEN: [&str; 11] = [
    "tokio::signal::unix::signal",
    "signal_hook::flag::*",
    "signal_hook::iterator::*",
    "signal_hook::low_level::*",
    "signal_hook_tokio::*",
    "signal_hook_async_std::*",
    "signal_hook_registry::*",
    "nix::sys::signal::signal",
    "nix::sys::signal::sigaction",
    "libc::signal",
    "libc::sigaction",
];

/// What raises a signal, or does without one.
const NO_HANDLERS: [&str; 4] = [
    "signal_hook::low_level::raise",
    "signal_hook::low_level::emulate_default_handler",
    "signal_hook::low_level::unregister",
    "signal_hook::low_level::signal_name",
];

fn check(code: &Code, found: &mut Findings) {
    for path in code.functions(&ALWAYS) {
        add(code, path, "SIGINT", found);
    }
    for path in code.calls(&GIVEN).filter(|path| !path.is_one_of(&NO_HANDLERS)) {
        if let Some(signal) = path.arguments().and_then(|open| signal(code, open)) {
            add(code, path, signal, found);
        }
    }
}

fn add(code: &Code, path: &Path, signal: &str, found: &mut Findings) {
    found.add(
        code,
        path.tokens.start,
        path.tokens.end - 1,
        format!("`{}` handles {signal}, as the runtime does", path.name),
        "remove it; in a handler or a worker take `shutdown: Shutdown` and await it",
    );
}

/// The signal among these arguments that ends a service.
fn signal(code: &Code, open: usize) -> Option<&'static str> {
    let of_constant = |name: &str| match name {
        "SIGTERM" | "TERM_SIGNALS" => Some("SIGTERM"),
        "SIGINT" => Some("SIGINT"),
        _ => None,
    };
    let of_path = |path: &Path| match path.last_name() {
        "terminate" => Some("SIGTERM"),
        "interrupt" => Some("SIGINT"),
        name => of_constant(name),
    };
    let inside = code.inside(open);
    let paths = code.paths().iter().filter(|path| inside.contains(&path.tokens.start));
    let of_paths = paths.filter(|path| !path.is_macro()).find_map(of_path);
    of_paths.or_else(|| inside.clone().find_map(|at| code.word(at).and_then(of_constant)))
}
