//! A request ends within the drain.
//!
//! After SIGTERM the service answers the requests that it has, for as long as its drain (15 s by default), and then
//! cuts them. A handler that may wait longer than that loses requests in rollouts, and only there: on other days it
//! works.
//!
//! See [Pod termination](https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination).
//!
//! ```wrong
//! #[cloud_service]
//! async fn main() -> Router {
//!     Router::new().route("/report", get(report))
//! }
//!
//! #[handler]
//! async fn report() -> Result<String, StatusCode> {
//!     tokio::time::timeout(Duration::from_secs(25), make()).await.map_err(|_| StatusCode::GATEWAY_TIMEOUT)
//! }
//! ```
//!
//! ```right
//! #[cloud_service(drain = "25s", grace = "40s")]
//! async fn main() -> Router {
//!     Router::new().route("/report", get(report))
//! }
//!
//! #[handler]
//! async fn report() -> Result<String, StatusCode> {
//!     tokio::time::timeout(Duration::from_secs(25), make()).await.map_err(|_| StatusCode::GATEWAY_TIMEOUT)
//! }
//! ```
//!
//! It sees times that are written in the handler (`tokio::time::timeout` and `sleep`, and a method `timeout`), and the
//! drain that the crate's `#[cloud_service]` says. It can't see `DRAIN_TIMEOUT` in a manifest, times in constants,
//! what a called function waits for, or the services that use a library. What goes on after the answer (`on_upgrade`,
//! a stream), and a handler that speaks of a shutdown, are let be.

use super::{
    Check, Crate, Findings, Level, Rule, shutdown_budget,
    waits::{argument, waits},
};
use crate::duration;

pub(super) const RULE: Rule =
    Rule { code: "SW029", name: "timeout-beyond-drain", level: Level::Error, check: Check::Crate(check) };

fn check(all: &Crate, found: &mut Findings) {
    let services = all.files.iter().flat_map(|file| {
        let services = file.marked.iter().filter(|marked| marked.attribute == "cloud_service");
        services.map(|service| argument(&file.code, service.arguments.clone(), "drain"))
    });
    // Of several, any may serve the handler.
    let Some(drain) = services.map(|drain| drain.map_or(shutdown_budget::DRAIN, |(_, drain)| drain)).max() else {
        return;
    };
    for file in &all.files {
        let code = &file.code;
        for wait in waits(code, 0..code.len()).into_iter().filter(|wait| wait.longest > drain) {
            let handler = file.marked_around(wait.first).filter(|marked| marked.attribute == "handler");
            let knows_shutdown = |at| code.word(at).is_some_and(|word| word.to_lowercase().contains("shutdown"));
            if handler.is_none_or(|handler| handler.body.clone().any(knows_shutdown)) {
                continue;
            }
            let (longest, drain) = (duration::show(wait.longest), duration::show(drain));
            let what = format!("`{}` may wait {longest}, and a shutdown cuts the request after {drain}", wait.name);
            let help = format!("wait less, or write `#[cloud_service(drain = \"{longest}\", ..)]`");
            found.add(code, wait.first, wait.last, what, help);
        }
    }
}
