//! What must be remembered is not in a static.
//!
//! A Deployment has replicas, and restarts and replaces them at any time: what one has in its memory the next request
//! does not find, because another replica answers it, or the same one that was restarted. One replica on a laptop shows
//! nothing of this.
//!
//! See [Deployments](https://kubernetes.io/docs/concepts/workloads/controllers/deployment/).
//!
//! ```wrong
//! use std::{collections::HashMap, sync::{LazyLock, Mutex}};
//!
//! static SESSIONS: LazyLock<Mutex<HashMap<String, Session>>> = LazyLock::new(Mutex::default);
//! ```
//!
//! ```right
//! #[derive(Clone)]
//! struct App {
//!     sessions: redis::aio::ConnectionManager,
//! }
//! ```
//!
//! It sees `static mut`, and the `Mutex`, `RwLock`, `DashMap`, `RefCell` and the like of well-known crates in a
//! `static`, in `lazy_static!` and in `thread_local!`, also inside `LazyLock`, `OnceLock`, `Lazy`, `Arc`, and by a
//! `type` of the same file. What is written once (`OnceLock<Regex>`), atomics (counters and flags), and `Mutex<()>` are
//! no state. It guesses that connections, clients, configurations, handles, random generators and buffers of a thread
//! aren't either, by the names of their types. It can't see types that were imported by `*`, caches and maps of other
//! crates, or state that is lost in the same way though it is in the `State` of the service.

use super::{Check, Findings, Level, Rule};
use crate::code::{Code, Kind};

pub(super) const RULE: Rule = Rule {
    code: "SW009",
    name: "state-in-static",
    level: Level::Error,
    check: Check::Everywhere(&["cloud_service", "handler", "health", "ready", "worker"], check),
};

/// What is looked into, whoever's it is.
const AROUND: [&str; 12] = [
    "Arc",
    "AssertUnwindSafe",
    "Box",
    "CachePadded",
    "Lazy",
    "LazyCell",
    "LazyLock",
    "OnceCell",
    "OnceLock",
    "Option",
    "Pin",
    "Rc",
];

/// What can be changed while it is shared, in these crates.
const SHARED: [&str; 8] = ["Cell", "DashMap", "DashSet", "FairMutex", "Mutex", "RefCell", "ReentrantMutex", "RwLock"];
const CRATES: [&str; 10] = [
    "async_lock::",
    "async_std::",
    "core::",
    "dashmap::",
    "futures::",
    "futures_util::",
    "parking_lot::",
    "spin::",
    "std::",
    "tokio::",
];

/// How the names of types end that a process has for itself: nothing is lost with them.
const OWN: [&str; 18] = [
    "Child",
    "Client",
    "Config",
    "Configuration",
    "Conn",
    "Connection",
    "ConnectionManager",
    "File",
    "Guard",
    "Handle",
    "Instant",
    "Pool",
    "Receiver",
    "Rng",
    "Runtime",
    "Sender",
    "Settings",
    "Stream",
];

/// What a thread has at hand so as not to make it anew.
const SCRATCH: [&str; 18] = [
    "BytesMut", "String", "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "u128", "u16",
    "u32", "u64", "u8", "usize",
];

/// Types in types, and names of types, that are looked into.
const DEEPEST: usize = 8;

fn check(code: &Code, found: &mut Findings) {
    for at in (0..code.len()).filter(|at| code.is_word(*at, "static")) {
        let is_mut = code.is_word(at + 1, "mut");
        let name = if is_mut || code.is_word(at + 1, "ref") { at + 2 } else { at + 1 };
        let is_item = code.kind(name) == Some(Kind::Word) && code.is(name + 1, ":") && !code.is_marks(name + 1, "::");
        if !is_item || is_elsewhere(code, at) || !(is_mut || is_state(code, name + 2, DEEPEST)) {
            continue;
        }
        found.add(
            code,
            at,
            name,
            format!("`{}` is one replica's alone, and lost at each restart", code.text(name)),
            "keep it where all replicas see it (a database, Redis), and its client in `State`",
        );
    }
}

/// Whether a static is that of a C library, or of a macro that gives it to something else: a task, say.
fn is_elsewhere(code: &Code, at: usize) -> bool {
    let Some(open) = code.around(at).next() else {
        return false;
    };
    let is_foreign = [1, 2].iter().any(|back| open.checked_sub(*back).is_some_and(|at| code.is_word(at, "extern")));
    let of_macro = code.paths().iter().find(|path| path.is_macro() && path.arguments() == Some(open));
    is_foreign || of_macro.is_some_and(|path| !matches!(path.last_name(), "thread_local" | "lazy_static"))
}

/// Whether the type that begins here is shared and can be changed.
fn is_state(code: &Code, at: usize, deepest: usize) -> bool {
    let Some(deepest) = deepest.checked_sub(1) else {
        return false;
    };
    let Some(found) = Type::at(code, at) else {
        return false;
    };
    if AROUND.contains(&found.name) {
        return found.inside.is_some_and(|inside| is_state(code, inside, deepest));
    }
    let is_known = found.path.is_some_and(|path| CRATES.iter().any(|known| path.starts_with(known)));
    if is_known && SHARED.contains(&found.name) {
        let is_threads = matches!(found.name, "Cell" | "RefCell");
        let is_map = matches!(found.name, "DashMap" | "DashSet");
        return is_map || found.inside.is_some_and(|inside| is_data(code, inside, is_threads, deepest));
    }
    let alias = (0..code.len()).find(|at| {
        found.path.is_none() && code.is_word(*at, "type") && code.is_word(at + 1, found.name) && code.is(at + 2, "=")
    });
    alias.is_some_and(|alias| is_state(code, alias + 3, deepest))
}

/// Whether what a lock holds would be missed.
fn is_data(code: &Code, at: usize, is_threads: bool, deepest: usize) -> bool {
    let Some(deepest) = deepest.checked_sub(1) else {
        return false;
    };
    if code.is(at, "(") && code.is(at + 1, ")") {
        return false;
    }
    let Some(found) = Type::at(code, at) else {
        return true;
    };
    if AROUND.contains(&found.name)
        && let Some(inside) = found.inside
    {
        return is_data(code, inside, is_threads, deepest);
    }
    let is_buffer = |inside: usize| code.is_word(inside, "u8");
    let is_scratch = SCRATCH.contains(&found.name) || (found.name == "Vec" && found.inside.is_some_and(is_buffer));
    let is_own = OWN.iter().any(|own| found.name.ends_with(own));
    let is_at_hand = is_threads && is_scratch;
    !is_own && !is_at_hand
}

/// A type that has a name; of an array, that of what is in it.
struct Type<'a> {
    /// Its last name, imports resolved.
    name: &'a str,
    /// All of it, where that is certain.
    path: Option<&'a str>,
    /// Where the first of the types between `<` and `>` begins.
    inside: Option<usize>,
}

impl<'a> Type<'a> {
    fn at(code: &'a Code, mut at: usize) -> Option<Self> {
        while ["&", ":", "["].iter().any(|mark| code.is(at, mark))
            || code.kind(at) == Some(Kind::Lifetime)
            || code.is_word(at, "mut")
        {
            at += 1;
        }
        let paths = code.paths();
        let path = paths.binary_search_by_key(&at, |path| path.tokens.start).ok().and_then(|index| paths.get(index));
        let end = path.map_or(at + 1, |path| path.tokens.end);
        let name = path.map_or_else(|| code.word(at), |path| Some(path.last_name()))?;
        let mut inside = code.is(end, "<").then_some(end + 1);
        while let Some(lifetime) = inside.filter(|at| code.kind(*at) == Some(Kind::Lifetime)) {
            inside = Some(lifetime + 2);
        }
        Some(Self { name, path: path.map(|path| path.name.as_str()), inside })
    }
}
