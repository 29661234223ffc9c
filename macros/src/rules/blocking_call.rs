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
//! What has no async form goes to `tokio::task::spawn_blocking(|| ..).await`, which is let be, as are other calls that
//! give a thread, `/proc` and `/sys`, which are no disk, and closures that a `let` keeps for one of these.
//!
//! It can't see what another function does, methods (`file.read_to_string(..)`), or work that takes long without waiting
//! for anything. The set-up of a service may read files: nothing is served yet.

use std::ops::Range;

use super::{Annotated, Check, Findings, Level, Rule, local_file};
use crate::code::{Code, Path};

pub(super) const RULE: Rule = Rule {
    code: "SW005",
    name: "blocking-call",
    level: Level::Error,
    check: Check::Function(&["handler", "health", "ready", "worker"], check),
};

/// What blocks, and what to write instead.
const BLOCKING: [(&[&str], Instead); 6] = [
    (&["std::thread::sleep"], Instead::Help("write `tokio::time::sleep(..).await`")),
    (&FILES, Instead::File),
    (&OPTIONS, Instead::File),
    (&["std::net::TcpStream::connect", "std::net::TcpStream::connect_timeout"], Instead::Connect),
    (&["reqwest::blocking::*", "ureq::*"], Instead::Request),
    (&["futures::executor::block_on", "futures_executor::block_on"], Instead::Help("write `.await`")),
];

#[derive(Clone, Copy)]
enum Instead {
    Help(&'static str),
    File,
    Connect,
    Request,
}

const FILES: [&str; 22] = [
    "std::fs::File::create",
    "std::fs::File::create_new",
    "std::fs::File::open",
    "std::fs::canonicalize",
    "std::fs::copy",
    "std::fs::create_dir",
    "std::fs::create_dir_all",
    "std::fs::exists",
    "std::fs::hard_link",
    "std::fs::metadata",
    "std::fs::read",
    "std::fs::read_dir",
    "std::fs::read_link",
    "std::fs::read_to_string",
    "std::fs::remove_dir",
    "std::fs::remove_dir_all",
    "std::fs::remove_file",
    "std::fs::rename",
    "std::fs::set_permissions",
    "std::fs::soft_link",
    "std::fs::symlink_metadata",
    "std::fs::write",
];

/// What blocks once a file is opened with it, or a directory created.
const OPTIONS: [&str; 3] = ["std::fs::DirBuilder::new", "std::fs::File::options", "std::fs::OpenOptions::new"];

/// What gives a thread of its own to what it is given.
const ELSEWHERE: [&str; 8] = [
    "tokio::task::spawn_blocking",
    "tokio::task::block_in_place",
    "std::thread::spawn",
    "std::thread::scope",
    "rayon::join",
    "rayon::scope",
    "rayon::spawn",
    "rayon::spawn_fifo",
];
const ELSEWHERE_METHODS: [&str; 5] = ["install", "interact", "spawn", "spawn_blocking", "spawn_blocking_on"];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = annotated.code;
    for (blocking, instead) in BLOCKING {
        for path in code.calls(blocking) {
            let at = path.tokens.start;
            if blocks(code, path) && !is_given_away(code, at) && !is_kept(code, at) {
                let what = format!("`{}` blocks a thread that others wait for", path.name);
                found.add(code, at, path.tokens.end - 1, what, help(annotated, path, instead));
            }
        }
    }
}

/// What to write instead, so that no other rule speaks of it.
fn help(annotated: &Annotated<'_>, path: &Path, instead: Instead) -> &'static str {
    let is_written = || local_file::writes(annotated.code).any(|write| write.tokens == path.tokens);
    match (instead, annotated.attribute) {
        (Instead::Help(help), _) => help,
        (Instead::File, "health" | "ready") if is_written() => "remove it: a check changes nothing",
        (Instead::File, _) if is_written() => {
            "keep it in a store; scratch files and volumes by `tokio::fs` and `.await`"
        }
        (Instead::File, _) => "write `tokio::fs` and `.await`, or read it in `main`, before it serves",
        (Instead::Connect | Instead::Request, "health") => "make it an async readiness check: `#[ready]`",
        (Instead::Connect, _) => "write `tokio::net::TcpStream::connect(..).await`",
        (Instead::Request, _) => "write `seaworthy::http_client::HttpClient`, of the feature `http-client`",
    }
}

/// Whether a call waits for something, unlike that of an error, of options by themselves, or of a file that is none.
fn blocks(code: &Code, path: &Path) -> bool {
    let mut texts = code.chain(path.tokens.start).filter_map(|at| code.string(at));
    let does = if path.name.contains("DirBuilder") { "create" } else { "open" };
    !path.name.starts_with("ureq::Error")
        && (!path.is_one_of(&OPTIONS) || code.links(path.tokens.end).any(|link| code.is_word(link.at, does)))
        && !texts.any(|text| ["/proc/", "/sys/"].iter().any(|folder| format!("{text}/").starts_with(folder)))
}

/// Whether a token is given to what runs it on another thread.
fn is_given_away(code: &Code, at: usize) -> bool {
    code.is_given_to(at, &ELSEWHERE)
        || code.methods_named(&ELSEWHERE_METHODS).any(|method| {
            let given = code.inside(method.arguments);
            // What others `spawn` is a future.
            given.contains(&at) && (!code.is_word(method.name, "spawn") || is_closure(code, given.start))
        })
}

/// Whether a token stands in a closure that a `let` binds, or in a function, neither of them async. Who calls them
/// knows where.
fn is_kept(code: &Code, at: usize) -> bool {
    let is_plain = |around: Range<usize>| around.contains(&at) && !code.has_word(around.start..at, &["async"]);
    let functions = code.body().filter(|at| code.is_word(*at, "fn") && code.word(at + 1).is_some());
    let is_async = |at: usize| code.has_word(code.statement(at).start..at, &["async"]);
    code.lets().any(|binding| is_closure(code, binding.value.start) && is_plain(binding.value))
        || functions
            .filter(|at| !is_async(*at))
            .filter_map(|at| code.block_after(at + 1))
            .any(|open| is_plain(code.inside(open)))
}

fn is_closure(code: &Code, at: usize) -> bool {
    code.is(at, "|") || code.is_word(at, "move") && code.is(at + 1, "|")
}
