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
//! `static`, in `lazy_static!` and, where it is a collection, in `thread_local!`; also inside `LazyLock`, `OnceLock`,
//! `Lazy`, `Arc`, and by a `type` of the same file. What is written once (`OnceLock<Regex>`), atomics (counters and
//! flags), `Mutex<()>` and a thread's `Vec` of bytes or numbers are no state. It guesses by their names that caches,
//! connections, clients, configurations, registries, metrics, keys, templates, limiters, handles and random generators
//! aren't either. It can't see types that were imported by `*`, maps of other crates, or state that is lost in the same way
//! though it is in the `State` of the service.

use std::collections::HashMap;

use super::{Check, FUNCTIONS, Findings, Level, Rule};
use crate::code::{Code, Kind};

pub(super) const RULE: Rule =
    Rule { code: "SW009", name: "state-in-static", level: Level::Error, check: Check::Everywhere(FUNCTIONS, check) };

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
const OWN: [&str; 32] = [
    "Breaker",
    "Child",
    "Client",
    "Config",
    "Configuration",
    "Conn",
    "Connection",
    "ConnectionManager",
    "Environment",
    "Exporter",
    "File",
    "Generator",
    "Guard",
    "Handle",
    "Handlebars",
    "Histogram",
    "Instant",
    "Interner",
    "JwkSet",
    "Keys",
    "Limiter",
    "Pool",
    "Provider",
    "Receiver",
    "Registry",
    "Rng",
    "Runtime",
    "Sender",
    "Settings",
    "Stream",
    "System",
    "Tera",
];

/// What is in the names of statics and types that are made anew where they are missing, or count.
const REMADE: [&str; 5] = ["cache", "jwks", "metrics", "registry", "scratch"];

/// What a buffer is of.
const PRIMITIVES: [&str; 16] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
    "usize",
];

/// What is a list of what it holds.
const LISTS: [&str; 3] = ["Slab", "Vec", "VecDeque"];

/// What a thread keeps, rather than has at hand.
const COLLECTIONS: [&str; 9] =
    ["BTreeMap", "BTreeSet", "BinaryHeap", "HashMap", "HashSet", "IndexMap", "IndexSet", "Vec", "VecDeque"];

/// Types in types, and names of types, that are looked into.
const DEEPEST: usize = 8;

/// Where the types begin that a `type` gives a name.
type Aliases<'a> = HashMap<&'a str, usize>;

fn check(code: &Code, found: &mut Findings) {
    let statics: Vec<_> = code.each_word("static").filter_map(|at| Some((at, name_of(code, at)?))).collect();
    if statics.is_empty() {
        return;
    }
    let aliases = aliases(code);
    for (at, name) in statics {
        let is_state = code.is_word(at + 1, "mut") || is_state(code, &aliases, name + 2, DEEPEST);
        if !is_state || is_elsewhere(code, at) || is_remade(code.text(name)) {
            continue;
        }
        found.add(
            code,
            at,
            name,
            format!("`{}` is one replica's alone, and lost at each restart", code.text(name)),
            "keep it in a database that all replicas share, and its client in `State`",
        );
    }
}

/// The name of a static, where the `static` there is one: not that of a bound.
fn name_of(code: &Code, at: usize) -> Option<usize> {
    let is_qualified = code.is_word(at + 1, "mut") || code.is_word(at + 1, "ref");
    let name = if is_qualified { at + 2 } else { at + 1 };
    code.word(name).filter(|_| code.is(name + 1, ":") && !code.is_marks(name + 1, "::"))?;
    Some(name)
}

fn aliases(code: &Code) -> Aliases<'_> {
    let mut aliases = HashMap::new();
    for at in code.each_word("type").filter(|at| code.is(at + 2, "=")) {
        aliases.entry(code.text(at + 1)).or_insert(at + 3);
    }
    aliases
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
fn is_state(code: &Code, aliases: &Aliases<'_>, at: usize, deepest: usize) -> bool {
    let Some(deepest) = deepest.checked_sub(1) else {
        return false;
    };
    let Some(found) = Type::at(code, at) else {
        return false;
    };
    if AROUND.contains(&found.name) {
        return found.inside.is_some_and(|inside| is_state(code, aliases, inside, deepest));
    }
    let is_known = found.path.is_some_and(|path| CRATES.iter().any(|known| path.starts_with(known)));
    if is_known && SHARED.contains(&found.name) {
        let is_threads = matches!(found.name, "Cell" | "RefCell");
        let is_map = matches!(found.name, "DashMap" | "DashSet");
        return is_map || found.inside.is_some_and(|inside| is_data(code, inside, is_threads, deepest));
    }
    let alias = aliases.get(found.name).filter(|_| found.path.is_none());
    alias.is_some_and(|alias| is_state(code, aliases, *alias, deepest))
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
        return code.is(at, "(") && !is_threads;
    };
    if AROUND.contains(&found.name)
        && let Some(inside) = found.inside
    {
        return is_data(code, inside, is_threads, deepest);
    }
    let is_primitive = |inside| code.word(inside).is_some_and(|word| PRIMITIVES.contains(&word));
    let is_buffer = found.name == "Vec" && found.inside.is_some_and(is_primitive);
    if is_threads && (is_buffer || !COLLECTIONS.contains(&found.name)) {
        return false;
    }
    if LISTS.contains(&found.name)
        && let Some(inside) = found.inside
    {
        return is_data(code, inside, false, deepest);
    }
    let is_behaviour = matches!(found.name, "dyn" | "fn");
    !is_behaviour && !is_remade(found.name) && !OWN.iter().any(|own| found.name.ends_with(own))
}

/// Whether something of this name is made anew where it is missing.
fn is_remade(name: &str) -> bool {
    let lower = name.to_lowercase();
    name.starts_with("Lru") || REMADE.iter().any(|remade| lower.contains(remade))
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
