//! A service has one server, that of Seaworthy.
//!
//! The runtime accepts connections when the service is ready, counts what is in flight, limits it, traces it, and stops
//! when Kubernetes takes the pod away. A server beside it has none of that: no probe fails with it, its requests are
//! cut off in every rollout, and neither a limit nor a metric knows of them.
//!
//! See [Liveness, readiness, and startup probes](https://kubernetes.io/docs/concepts/workloads/pods/probes/).
//!
//! ```wrong
//! async fn serve(router: Router) -> std::io::Result<()> {
//!     let listener = tokio::net::TcpListener::bind("0.0.0.0:8081").await?;
//!     axum::serve(listener, router).await
//! }
//! ```
//!
//! ```right
//! #[cloud_service]
//! async fn main() -> Service {
//!     Service::new(()).http(Router::new().route("/hello", get(hello)))
//! }
//! ```
//!
//! Probes and metrics have a port of their own already (`ADMIN_ADDR`). The router of a tonic service is
//! `Routes::new(service).into_axum_router().with_state(())`, whatever the state of the service is.
//!
//! It sees the servers of axum, hyper, tonic, warp, actix-web and others where they are made. It can't see one that
//! accepts from a `TcpListener` itself, or that a library starts.

use super::{Check, FUNCTIONS, Findings, Level, Rule};
use crate::code::Code;

pub(super) const RULE: Rule =
    Rule { code: "SW011", name: "second-server", level: Level::Error, check: Check::Everywhere(FUNCTIONS, check) };

const SERVERS: [&str; 17] = [
    "axum::serve",
    "seaworthy::axum::serve",
    "axum::Server::bind",
    "axum_server::bind*",
    "axum_server::from_tcp*",
    "axum_server::Server::bind",
    "hyper::Server::bind",
    "hyper::server::Server::bind",
    "hyper::server::conn::*",
    "hyper_util::server::conn::*",
    "warp::serve",
    "actix_web::HttpServer::new",
    "poem::Server::new",
    "rocket::build",
    "rocket::custom",
    "salvo::Server::new",
    "salvo::server::Server::new",
];

const TONIC: [&str; 2] = ["tonic::transport::Server::builder", "tonic::transport::server::Server::builder"];

fn check(code: &Code, found: &mut Findings) {
    let gives_router = || code.methods_named(&["into_router", "into_service", "into_axum_router"]).next().is_some();
    let tonic = code
        .calls(&TONIC)
        .filter(|_| !gives_router())
        .map(|path| (path, "write `.http(Routes::new(service).into_axum_router().with_state(()))`"));
    let others = code.calls(&SERVERS).map(|path| (path, "give the router to `Service::new(state).http(router)`"));
    for (path, help) in others.chain(tonic) {
        let name = path.name.strip_prefix("seaworthy::").unwrap_or(&path.name);
        let what = format!("`{name}` is a second server, with no drain");
        found.add(code, path.tokens.start, path.tokens.end - 1, what, help);
    }
}
