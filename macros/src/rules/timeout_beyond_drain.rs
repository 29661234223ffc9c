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
//! a stream: `unfold`, `then`), and a handler that speaks of a shutdown, are let be.

use std::time::Duration;

use super::{
    Check, Crate, Findings, Level, Rule,
    shutdown_budget::{DRAIN, GRACE, LAME_DUCK, REST, whole_seconds},
    waits::{Argument, waits},
};
use crate::duration;

pub(super) const RULE: Rule =
    Rule { code: "SW029", name: "timeout-beyond-drain", level: Level::Error, check: Check::Crate(check) };

fn check(all: &Crate, found: &mut Findings) {
    let services = all.files.iter().flat_map(|file| {
        let services = file.marked.iter().filter(|marked| marked.attribute == "cloud_service");
        services.map(|service| {
            let of = |name, default| Argument::of(&file.code, service.arguments.clone(), name).or(default);
            Some((of("drain", DRAIN)?, of("lame_duck", LAME_DUCK)?, of("grace", GRACE)?))
        })
    });
    // Of several, any may serve the handler.
    let Some(Some((drain, lame_duck, grace))) = services.collect::<Option<Vec<_>>>().map(|all| all.into_iter().max())
    else {
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
            // `20.001` for 20001 ms, which is not how a setting is written.
            let longest = wait.longest.as_secs_f64();
            let what = format!(
                "`{}` may wait {longest}s, and the drain cuts requests after {}",
                wait.name,
                duration::show(drain)
            );
            let drain = Duration::from_secs(whole_seconds(wait.longest));
            let grace = grace.max(lame_duck.saturating_add(drain).saturating_add(REST));
            let (drain, grace) = (whole_seconds(drain), whole_seconds(grace));
            let help = format!("wait less, or write `#[cloud_service(drain = \"{drain}s\", grace = \"{grace}s\")]`");
            found.add(code, wait.first, wait.last, what, help);
        }
    }
}
