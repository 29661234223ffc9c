//! What a service keeps is not in its container.
//!
//! The file system of a container is gone with the pod: a rollout, a node that is drained, a container that is
//! restarted. The other replicas don't see it, what fills it evicts the pod, and where `readOnlyRootFilesystem` is set
//! nothing can be written at all.
//!
//! See [Volumes](https://kubernetes.io/docs/concepts/storage/volumes/).
//!
//! ```wrong
//! #[handler]
//! async fn upload(Path(name): Path<String>, body: Bytes) -> Result<StatusCode> {
//!     tokio::fs::write(format!("uploads/{name}"), body).await?;
//!     Ok(StatusCode::CREATED)
//! }
//! ```
//!
//! ```right
//! #[handler]
//! async fn upload(Path(name): Path<String>, State(store): State<Store>, body: Bytes) -> Result<StatusCode> {
//!     store.put(&name, body).await?;
//!     Ok(StatusCode::CREATED)
//! }
//! ```
//!
//! It sees functions of `tokio::fs` and `std::fs` that write, move or remove. It is silent where the path comes from
//! the state (a directory that the configuration names may be a volume) or begins with `/dev`, `/proc`, `/run`, `/sys` or
//! `/var/run`, and in a function that works with scratch files: `tempfile`, `temp_dir()`, a path below `/tmp` or
//! `/dev/shm`, where an `emptyDir` belongs. What is copied or moved counts by where to. It can't see what another
//! function or a library writes (SQLite, a log file).

use std::ops::Range;

use super::{Annotated, Check, Findings, Level, Rule, request_unwrap::is_of_request};
use crate::code::{Code, Path};

pub(super) const RULE: Rule = Rule {
    code: "SW018",
    name: "local-file",
    level: Level::Error,
    check: Check::Function(&["handler", "worker"], check),
};

/// What changes the file system, below `tokio::fs` and the like.
const WRITES: [&str; 17] = [
    "write",
    "rename",
    "copy",
    "hard_link",
    "symlink",
    "soft_link",
    "create_dir",
    "create_dir_all",
    "remove_file",
    "remove_dir",
    "remove_dir_all",
    "File::create",
    "File::create_new",
    "OpenOptions::new",
    "File::options",
    "DirBuilder::new",
    "set_permissions",
];

/// What is given the path of what is there, and then that of what is written.
const TO: [&str; 5] = ["copy", "hard_link", "rename", "soft_link", "symlink"];

/// What belongs to the machine, or is a volume.
const ELSEWHERE: [&str; 5] = ["/dev/", "/proc/", "/run/", "/sys/", "/var/run/"];

/// What makes options those of a file that is written.
const OPTIONS: [&str; 5] = ["write", "append", "create", "create_new", "truncate"];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    let writes: Vec<_> = writes(code).collect();
    if writes.is_empty() || has_scratch_files(code) {
        return;
    }
    let from_state = from_state(annotated);
    for path in writes {
        let Some(open) = path.arguments() else { continue };
        if !is_from_state(code, destination(code, path, open), &from_state) {
            let what = format!("`{}` changes a disk that is lost with the pod", path.name);
            let help = "keep it in a store outside of the pod; for scratch files take `tempfile`\n\
                        help: or in a volume, whose directory comes from the configuration in `State`";
            found.add(code, path.tokens.start, path.tokens.end - 1, what, help);
        }
    }
}

/// The calls that change the file system.
pub(super) fn writes(code: &Code) -> impl Iterator<Item = &Path> {
    code.paths().iter().filter(|path| {
        let function = ["tokio::fs::", "std::fs::", "async_std::fs::"].iter().find_map(|of| path.name.strip_prefix(of));
        path.is_call()
            && function.is_some_and(|function| WRITES.contains(&function))
            && path.arguments().is_some_and(|open| {
                !["OpenOptions::new", "File::options"].contains(&function.unwrap_or_default()) || has_option(code, open)
            })
    })
}

/// Whether something in a call is from the state: a directory that the configuration names may be a volume.
pub(super) fn may_be_volume(annotated: &Annotated<'_>, call: &Path) -> bool {
    let code = annotated.code;
    is_from_state(code, code.chain(call.tokens.start), &from_state(annotated))
}

/// Whether options that begin here make a file one that is written.
fn has_option(code: &Code, open: usize) -> bool {
    code.links(code.after(open)).any(|link| {
        OPTIONS.contains(&code.text(link.at)) && link.arguments.is_some_and(|open| !code.is_word(open + 1, "false"))
    })
}

/// What says where it is written: the second argument where there are two paths, the first, or that of `open` for
/// options.
fn destination(code: &Code, path: &Path, open: usize) -> Range<usize> {
    if TO.contains(&path.last_name())
        && let [_, to] = code.parts(code.inside(open)).as_slice()
    {
        return to.clone();
    }
    let named = |name: &str| code.links(code.after(open)).find(|link| code.is_word(link.at, name));
    // A `DirBuilder` creates, options open.
    let opened = named("open").or_else(|| named("create"));
    let is_options = code.inside(open).is_empty();
    let open = opened.filter(|_| is_options).and_then(|link| link.arguments).unwrap_or(open);
    let inside = code.inside(open);
    let mut at = inside.start;
    while at < inside.end && !code.is(at, ",") {
        at = code.after(at);
    }
    inside.start..at
}

fn has_scratch_files(code: &Code) -> bool {
    (0..code.len()).any(|at| match code.string(at) {
        Some(text) => text.starts_with("/tmp/") || text.starts_with("/dev/shm/"),
        None => matches!(code.text(at), "tempfile" | "temp_dir" | "tempdir" | "TempDir" | "NamedTempFile"),
    }) || code.paths().iter().any(|path| path.name.starts_with("tempfile::"))
}

/// The names of what is no request's (the state), and of what was made of it.
fn from_state(annotated: &Annotated<'_>) -> Vec<String> {
    let parameters = annotated.parameters().into_iter();
    let others = parameters.filter(|parameter| !is_of_request(parameter) && parameter.kind != "Shutdown");
    let mut names: Vec<_> = others.flat_map(|parameter| parameter.names).chain(["self".to_owned()]).collect();
    let code = &annotated.code;
    for (bound, value) in bindings(code) {
        if is_from_state(code, value, &names) {
            names.extend(bound.into_iter().map(|name| code.text(name).to_owned()));
        }
    }
    names
}

/// The names that a `let`, a `for` or a `match` binds, each with what they are bound to, in their order.
fn bindings(code: &Code) -> Vec<(Vec<usize>, Range<usize>)> {
    let names = |pattern: Range<usize>| pattern.filter(|at| code.is_binding(*at)).collect::<Vec<_>>();
    let mut bindings: Vec<_> = code.lets().map(|binding| (binding.names, binding.value)).collect();
    for it in code.loops().filter(|it| code.is_word(it.at, "for")) {
        let end = (it.at..it.open).find(|at| code.is_word(*at, "in")).unwrap_or(it.open);
        bindings.push((names(it.at + 1..end), end..it.open));
    }
    for at in code.each_word("match") {
        if let Some(open) = code.block_after(at + 1) {
            bindings.push((arms(code, open).into_iter().flat_map(names).collect(), at + 1..open));
        }
    }
    bindings.sort_by_key(|(_, value)| value.start);
    bindings
}

/// The patterns of a `match`.
fn arms(code: &Code, open: usize) -> Vec<Range<usize>> {
    let inside = code.inside(open);
    let mut arms = Vec::new();
    let mut at = inside.start;
    while let Some(arrow) = (at..inside.end).find(|at| code.is_marks(*at, "=>")) {
        let guard = (at..arrow).find(|at| code.is_word(*at, "if"));
        arms.push(at..guard.unwrap_or(arrow));
        at = arrow + 2;
        let is_block = code.is(at, "{");
        while at < inside.end && !code.is(at, ",") && !(is_block && code.is(at - 1, "}")) {
            at = code.after(at);
        }
    }
    arms
}

fn is_from_state(code: &Code, mut tokens: Range<usize>, names: &[String]) -> bool {
    tokens.any(|at| match code.string(at) {
        // `format!("{dir}/{name}")`
        Some(text) => {
            ELSEWHERE.iter().any(|folder| text.starts_with(folder))
                || names.iter().any(|name| ["}", ":", "."].iter().any(|end| text.contains(&format!("{{{name}{end}"))))
        }
        None => code.word(at).is_some_and(|word| names.iter().any(|name| name == word)),
    })
}
