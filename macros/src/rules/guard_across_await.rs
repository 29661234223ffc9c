//! No lock is held while something else is waited for.
//!
//! Every request that needs the lock waits for the one that waits. They pile up without using any CPU, so that an
//! autoscaler sees an idle service, and a slow database becomes a service that answers nobody. Nor does the lock keep
//! the other replicas out.
//!
//! See [Horizontal Pod Autoscaling](https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/).
//!
//! ```wrong
//! #[handler]
//! async fn order(State(stock): State<Arc<Mutex<Stock>>>) -> StatusCode {
//!     let mut stock = stock.lock().await;
//!     stock.take_one();
//!     send_mail().await;
//!     StatusCode::ACCEPTED
//! }
//! ```
//!
//! ```right
//! #[handler]
//! async fn order(State(stock): State<Arc<Mutex<Stock>>>) -> StatusCode {
//!     let mut stock = stock.lock().await;
//!     stock.take_one();
//!     drop(stock);
//!     send_mail().await;
//!     StatusCode::ACCEPTED
//! }
//! ```
//!
//! A connection behind a lock serves one request at a time: take a pool, or a client that is cloned. What only one may
//! do at a time needs a lock outside of the pod, in the database, say: other replicas don't know of this one.
//!
//! It sees `.lock()` and `.write()` without arguments, and what they give bound with `let` to a name; in the head of a
//! `match`, `if let`, `while let` or `for`, which keep it to their end; and in the same statement as a later `.await`.
//!
//! Another lock may be waited for, and so may what an asynchronous lock guards, where all that wait want just that:
//! `*token = fetch().await?`. A lock that the function made itself may be held, and one of many, by a key
//! (`locks.entry(id)`). It can't see a guard that another function returns, `.read()`, or `lock_owned()`.

use std::ops::Range;

use super::{Annotated, Check, Findings, Level, Rule};
use crate::code::{Code, Kind, Path};

pub(super) const RULE: Rule = Rule {
    code: "SW017",
    name: "guard-across-await",
    level: Level::Error,
    check: Check::Function(&["handler", "ready"], check),
};

/// A call of a lock.
struct Lock {
    /// From the name of the method or function to the bracket after its arguments.
    tokens: Range<usize>,
    /// After what has the guard: `.lock().await`, `.lock().unwrap()`.
    end: usize,
    /// Whether it is a guard for certain: it was awaited or unwrapped.
    is_taken: bool,
}

const FUNCTIONS: [&str; 8] = [
    "tokio::sync::Mutex::lock",
    "tokio::sync::RwLock::write",
    "std::sync::Mutex::lock",
    "std::sync::RwLock::write",
    "parking_lot::Mutex::lock",
    "parking_lot::RwLock::write",
    "async_lock::Mutex::lock",
    "async_lock::RwLock::write",
];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    let locks = locks(code);
    if locks.is_empty() {
        return;
    }
    let own = own_locks(code);
    for lock in locks.into_iter().filter(|lock| !own.contains(&receiver(code, lock)) && !is_by_key(code, lock)) {
        let (first, last) = (lock.tokens.start, lock.tokens.end - 1);
        if is_held_by_name(code, &lock) {
            let what = "the lock is held over an `.await` below: every other request waits too";
            found.add(code, first, last, what, "`drop(..)` the guard before it, or give the guard a block of its own");
        } else if is_held_in_statement(code, &lock) {
            let what = "the lock is held over the `.await` of this statement: other requests wait too";
            found.add(code, first, last, what, "copy what it guards with `let`, and await in the next statement");
        } else if let Some(keyword) = is_held_by_block(code, &lock) {
            let what = format!("this `{keyword}` holds the lock over an `.await`: other requests wait too");
            found.add(code, first, last, what, format!("copy what it guards with `let` before the `{keyword}`"));
        }
    }
}

fn locks(code: &Code) -> Vec<Lock> {
    let methods = code.methods_named(&["lock", "write"]).filter(|method| code.inside(method.arguments).is_empty());
    let methods = methods.map(|method| method.name..code.after(method.arguments));
    let functions = code.calls(&FUNCTIONS).filter_map(|path| Some(path.tokens.start..code.after(path.arguments()?)));
    let mut locks: Vec<_> = methods.chain(functions).map(|tokens| lock(code, tokens)).collect();
    locks.sort_by_key(|lock| lock.tokens.start);
    locks
}

/// The names of locks that the function makes or has by a key, and of what is made of them: few other requests, if any,
/// wait for those.
fn own_locks(code: &Code) -> Vec<&str> {
    let made: Vec<_> = code.paths().iter().filter(|path| makes_lock(path)).map(|path| path.tokens.start).collect();
    let mut own: Vec<&str> = Vec::new();
    for binding in code.lets() {
        let mut value = binding.value.clone();
        // `let lock: Arc<Mutex<()>> = Arc::default();`
        let is_default =
            code.has_word(binding.at..value.start, &["Mutex", "RwLock"]) && code.has_word(value.clone(), &["default"]);
        if is_default
            || has_entry(code, value.clone())
            || value.any(|at| made.contains(&at) || code.word(at).is_some_and(|word| own.contains(&word)))
        {
            own.extend(binding.names.iter().map(|name| code.text(*name)));
        }
    }
    own
}

fn makes_lock(path: &Path) -> bool {
    let mut names = path.name.rsplit("::");
    path.is_call()
        && matches!(names.next(), Some("new" | "const_new" | "default"))
        && matches!(names.next(), Some("Mutex" | "RwLock"))
}

/// Whether the lock is that of a key: `locks.entry(id).or_default().lock()`.
fn is_by_key(code: &Code, lock: &Lock) -> bool {
    let start = code.statement(lock.tokens.start).start;
    has_entry(code, start..lock.tokens.start)
}

/// Whether a map is asked for what belongs to a key: `locks.entry(id)`.
fn has_entry(code: &Code, range: Range<usize>) -> bool {
    code.methods_named(&["entry"]).any(|method| range.contains(&method.name))
}

/// What the value begins with that is locked: `tx` of `tx.lock()`.
fn receiver<'a>(code: &'a Code, lock: &Lock) -> &'a str {
    let mut at = lock.tokens.start;
    while at >= 2 && code.is(at - 1, ".") && code.kind(at - 2) == Some(Kind::Word) {
        at -= 2;
    }
    if at == lock.tokens.start {
        // `Mutex::lock(&tx)`
        at = (at..lock.tokens.end).find(|at| code.is(*at, "&")).map_or(at, |and| and + 1);
    }
    code.text(at)
}

fn lock(code: &Code, tokens: Range<usize>) -> Lock {
    let mut lock = Lock { end: tokens.end, tokens, is_taken: false };
    for link in code.links(lock.tokens.end) {
        let is_first = !lock.is_taken;
        match code.text(link.at) {
            "await" if is_first => {
                (lock.end, lock.is_taken) = (link.end, true);
                break;
            }
            "unwrap" | "expect" | "unwrap_or_else" | "?" => (lock.end, lock.is_taken) = (link.end, true),
            "map_err" if is_first => lock.end = link.end,
            _ => break,
        }
    }
    lock
}

/// `let guard = lock;`, and an `.await` before its block ends.
fn is_held_by_name(code: &Code, lock: &Lock) -> bool {
    let mut lets = code.lets().filter(|binding| binding.block.is_none() && binding.value.end == lock.end);
    let Some(binding) = lets.next() else {
        return false;
    };
    let mut start = binding.value.start;
    // `&mut *x.lock()` lives as long as the name; `*x.lock()` is a copy.
    let is_borrowed = code.is(start, "&");
    if is_borrowed {
        while code.is(start, "&") || code.is(start, "*") || code.is_word(start, "mut") {
            start += 1;
        }
    }
    let [name] = *binding.names else {
        return false;
    };
    let Some(open) = code.around(binding.at).next().filter(|_| code.chain(start).end == lock.end) else {
        return false;
    };
    let rest = lock.end..code.partner(open);
    let is_another = |at: usize| code.text(at) == code.text(name) && !code.is(at - 1, ".");
    let given = rest.clone().find(|at| {
        let is_alone = |at: usize| {
            (code.is(at - 1, "(") || code.is(at - 1, ",")) && (code.is(at + 1, ")") || code.is(at + 1, ","))
        };
        let is_future = code.is(at + 1, ".") && code.is_word(at + 2, "await");
        is_another(*at) && !is_borrowed && (is_alone(*at) || is_future)
    });
    let rest = rest.start..given.unwrap_or(rest.end);
    // Of a lock that waits in a thread of the runtime, nothing is well.
    let is_async = code.is_word(lock.end - 1, "await");
    foreign_waits(code, rest, open).any(|at| !is_async || !fills(code, at, name, open))
}

/// Whether an `.await` is for what the guard of this name guards, in a statement such as `*guard = fetch().await`.
fn fills(code: &Code, wait: usize, guard: usize, open: usize) -> bool {
    let around = code.around(wait).take_while(|around| *around > open);
    std::iter::once(wait).chain(around).any(|at| {
        let mut start = code.statement(at).start;
        while code.is(start, "*") {
            start += 1;
        }
        let end = code.chain(start).end;
        let is_other = start == code.statement(at).start && end == start + 1;
        code.text(start) == code.text(guard) && !is_other && code.is(end, "=") && !code.is_marks(end, "==")
    })
}

/// `lock.query().await`, `query(&mut lock).await`.
fn is_held_in_statement(code: &Code, lock: &Lock) -> bool {
    if !lock.is_taken {
        return false;
    }
    let mut end = lock.end;
    let awaits = |end: usize| code.links(end).any(|link| code.is_word(link.at, "await"));
    let mut around = code.around(lock.tokens.start).take_while(|open| code.is(*open, "("));
    loop {
        if awaits(end) {
            return true;
        }
        match around.next() {
            Some(open) if !(open..lock.tokens.start).any(|at| code.is(at, "|")) => end = code.after(open),
            _ => return false,
        }
    }
}

/// `match lock { .. }`, with an `.await` in the block.
fn is_held_by_block<'a>(code: &'a Code, lock: &Lock) -> Option<&'a str> {
    let around = |at: usize| code.around(at).next();
    let is_in =
        |head: &Range<usize>| head.contains(&lock.tokens.start) && around(head.start) == around(lock.tokens.start);
    let heads = (0..code.len()).filter_map(|at| {
        let keyword = code.word(at).filter(|word| ["match", "for"].contains(word))?;
        let open = code.block_after(at + 1)?;
        Some((keyword, at + 1..open, open))
    });
    let lets = code.lets().filter_map(|binding| {
        let keyword = if code.is_word(binding.at - 1, "while") { "while let" } else { "if let" };
        Some((keyword, binding.value, binding.block?))
    });
    let (keyword, _, open) = heads.chain(lets).find(|(_, head, _)| is_in(head))?;
    let block = code.inside(open);
    let dropped = block.clone().find(|at| code.is_word(*at, "drop"));
    foreign_waits(code, block.start..dropped.unwrap_or(block.end), open).next().map(|_| keyword)
}

/// Where something but another lock is waited for.
fn foreign_waits(code: &Code, range: Range<usize>, open: usize) -> impl Iterator<Item = usize> {
    code.waits(range).filter(move |at| !code.is_deferred(*at, open) && !is_of_lock(code, *at))
}

/// Whether an `.await` is that of a lock: `.lock().await`.
fn is_of_lock(code: &Code, wait: usize) -> bool {
    let Some(open) = wait.checked_sub(2).map(|close| code.partner(close)) else {
        return false;
    };
    let name = code.text(open.saturating_sub(1));
    ["lock", "write", "read"].contains(&name) && code.inside(open).is_empty()
}
