//! Logs, traces and metrics of a process have one receiver each, and the runtime has set it.
//!
//! There can be one `tracing` subscriber and one recorder of metrics in a process. The runtime sets them before `main`
//! runs, so that the set-up is logged as well: `init` of another panics, and `try_init` and `install` fail. Kubernetes
//! sees a container that exits before it was ever ready.
//!
//! See [Logging architecture](https://kubernetes.io/docs/concepts/cluster-administration/logging/).
//!
//! ```wrong
//! #[cloud_service]
//! async fn main() -> Router {
//!     tracing_subscriber::fmt().json().init();
//!     Router::new()
//! }
//! ```
//!
//! ```right
//! #[cloud_service]
//! async fn main() -> Router {
//!     tracing::info!("setting up");
//!     Router::new()
//! }
//! ```
//!
//! `RUST_LOG` says what is logged, `LOG_FORMAT` how, `OTEL_*` where traces go.
//!
//! It sees what sets the subscriber or the recorder of the process; `set_default`, which is of a scope, and
//! `build_recorder` are no such thing. It can't see whether Seaworthy was built without its feature `prometheus`: a
//! recorder is then yours to install, and this yours to allow. A logger of the crate `log` and a provider of the crate
//! `opentelemetry` are not looked for: the runtime sets none.

use super::{Check, FUNCTIONS, Findings, Level, Rule};
use crate::code::{Code, Kind, Path};

pub(super) const RULE: Rule =
    Rule { code: "SW012", name: "second-subscriber", level: Level::Error, check: Check::Everywhere(FUNCTIONS, check) };

const SUBSCRIBERS: [&str; 10] = [
    "tracing_subscriber::fmt::init",
    "tracing_subscriber::fmt::try_init",
    "tracing::subscriber::set_global_default",
    "tracing::dispatcher::set_global_default",
    "tracing_core::dispatcher::set_global_default",
    "seaworthy::tracing::subscriber::set_global_default",
    "seaworthy::tracing::dispatcher::set_global_default",
    "console_subscriber::init",
    "tracing_subscriber::util::SubscriberInitExt::init",
    "tracing_subscriber::util::SubscriberInitExt::try_init",
];

/// What makes a subscriber, that is the process' where one of these is called in the end.
const BUILDERS: [&str; 9] = [
    "tracing_subscriber::fmt",
    "tracing_subscriber::fmt::fmt",
    "tracing_subscriber::fmt::Subscriber::builder",
    "tracing_subscriber::fmt::SubscriberBuilder::default",
    "tracing_subscriber::FmtSubscriber::builder",
    "tracing_subscriber::FmtSubscriber::new",
    "tracing_subscriber::registry",
    "tracing_subscriber::Registry::default",
    "tracing_subscriber::registry::Registry::default",
];
const INITS: [&str; 2] = ["init", "try_init"];

const RECORDERS: [&str; 2] = ["metrics::set_global_recorder", "seaworthy::metrics::set_global_recorder"];
const RECORDER_BUILDERS: [&str; 2] =
    ["metrics_exporter_prometheus::PrometheusBuilder::new", "metrics_exporter_prometheus::PrometheusBuilder::default"];
const INSTALLS: [&str; 2] = ["install", "install_recorder"];

fn check(code: &Code, found: &mut Findings) {
    let built = code.calls(&BUILDERS).filter(|path| is_set(code, path, &INITS));
    for path in code.functions(&SUBSCRIBERS).chain(built) {
        let what = format!("`{}` sets a second subscriber", path.name.trim_start_matches("seaworthy::"));
        let help = "remove it: the runtime has set one, by `RUST_LOG` and `LOG_FORMAT`";
        found.add(code, path.tokens.start, path.tokens.end - 1, what, help);
    }
    let built = code.calls(&RECORDER_BUILDERS).filter(|path| is_set(code, path, &INSTALLS));
    for path in code.functions(&RECORDERS).chain(built) {
        let what = format!("`{}` sets a second recorder", path.name.trim_start_matches("seaworthy::"));
        let help = "remove it: the runtime has set one, and serves it at `/metrics`";
        found.add(code, path.tokens.start, path.tokens.end - 1, what, help);
    }
}

/// Whether what a call returns is set for the process by one of these methods, at once or by its name.
fn is_set(code: &Code, path: &Path, methods: &[&str]) -> bool {
    let Some(open) = path.arguments() else {
        return false;
    };
    if calls(code, code.after(open), methods) {
        return true;
    }
    let statement = code.statement(path.tokens.start);
    let name = statement.start + if code.is_word(statement.start + 1, "mut") { 2 } else { 1 };
    let is_bound = code.is_word(statement.start, "let") && code.is(name + 1, "=") && name + 2 == path.tokens.start;
    let end = code.block_end(statement.start);
    is_bound
        && code.word(name).is_some_and(|name| {
            (statement.end..end)
                .any(|at| code.is_word(at, name) && !code.is(at.saturating_sub(1), ".") && calls(code, at + 1, methods))
        })
}

/// Whether one of these methods is called on a value that ends before `at`, or on what another returned.
fn calls(code: &Code, mut at: usize, methods: &[&str]) -> bool {
    loop {
        if code.is(at, "?") {
            at += 1;
            continue;
        }
        if !code.is(at, ".") || code.kind(at + 1) != Some(Kind::Word) {
            return false;
        }
        let Some(method) = code.methods().iter().find(|method| method.name == at + 1) else {
            at += 2;
            continue;
        };
        if methods.contains(&code.text(method.name)) {
            return true;
        }
        at = code.after(method.arguments);
    }
}
