//! A thread of the runtime is never blocked.
//!
//! A service has as many of them as cores, often one or two. While one sleeps or waits for a disk, every request on it
//! waits, and so does `/health`: Kubernetes takes the pod out of the endpoints or kills it, when nothing was wrong with it.
//!
//! See [Liveness, readiness, and startup probes](https://kubernetes.io/docs/concepts/workloads/pods/probes/).
//!
//! ```wrong
//! #[handler]
//! async fn slow() -> &'static str {
//!     std::thread::sleep(std::time::Duration::from_millis(100));
//!     "done"
//! }
//! ```
//!
//! ```right
//! #[handler]
//! async fn slow() -> &'static str {
//!     tokio::time::sleep(std::time::Duration::from_millis(100)).await;
//!     "done"
//! }
//! ```
//!
//! What has no async form goes to `tokio::task::spawn_blocking(|| ..).await`.
//!
//! It can't see what another function does, methods (`file.read_to_string(..)`), or work that takes long without waiting
//! for anything. The set-up of a service may read files: nothing is served yet.

use super::{Annotated, Check, Findings, Level, Rule};

pub(super) const RULE: Rule = Rule {
    code: "SW005",
    name: "blocking-call",
    level: Level::Error,
    check: Check::Function(&["handler", "health", "ready", "worker"], check),
};

/// What blocks, and what to write instead.
const BLOCKING: [(&str, &str); 8] = [
    ("std::thread::sleep", "write `tokio::time::sleep(..).await`"),
    ("std::fs::*", "write `tokio::fs` and `.await`, or read it in `main`, before anything is served"),
    ("std::net::TcpStream::connect*", "write `tokio::net::TcpStream::connect(..).await`"),
    ("std::net::UdpSocket::bind", "write `tokio::net::UdpSocket::bind(..).await`"),
    ("reqwest::blocking::*", "write `seaworthy::http_client::HttpClient`, which is async and traced"),
    ("ureq::*", "write `seaworthy::http_client::HttpClient`, which is async and traced"),
    ("futures::executor::block_on", "write `.await`"),
    ("futures_executor::block_on", "write `.await`"),
];

/// What gives a thread of its own to what it is given.
const ELSEWHERE: [&str; 5] = [
    "tokio::task::spawn_blocking",
    "tokio::task::block_in_place",
    "std::thread::spawn",
    "rayon::spawn",
    "rayon::scope",
];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = annotated.code;
    for (blocking, help) in BLOCKING {
        for path in code.calls(&[blocking]) {
            if !code.is_given_to(path.tokens.start, &ELSEWHERE) {
                let what = format!("`{}` blocks a thread that others wait for", path.name);
                found.add(code, path.tokens.start, path.tokens.end - 1, what, help);
            }
        }
    }
}
