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
//! the state (a directory that the configuration names may be a volume), and in a function that works with scratch
//! files: `tempfile`, `temp_dir()`, a path below `/tmp` or `/dev/shm`, where an `emptyDir` belongs. It can't see what
//! another function or a library writes (SQLite, a log file).

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
const WRITES: [&str; 16] = [
    "write",
    "rename",
    "copy",
    "hard_link",
    "symlink",
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

/// What makes options those of a file that is written.
const OPTIONS: [&str; 5] = ["write", "append", "create", "create_new", "truncate"];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    if has_scratch_files(code) {
        return;
    }
    let from_state = from_state(annotated);
    for path in writes(code) {
        let Some(open) = path.arguments() else { continue };
        if !is_from_state(code, destination(code, open), &from_state) {
            let what = format!("`{}` changes a disk that is lost with the pod", path.name);
            let help = "keep it in a store outside of the pod; for scratch files take `tempfile`";
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

/// What says where it is written: the first argument, or that of `open` for options.
fn destination(code: &Code, open: usize) -> Range<usize> {
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
    for binding in code.lets() {
        if is_from_state(code, binding.value.clone(), &names) {
            names.extend(binding.names.iter().map(|name| code.text(*name).to_owned()));
        }
    }
    names
}

fn is_from_state(code: &Code, mut tokens: Range<usize>, names: &[String]) -> bool {
    tokens.any(|at| match code.string(at) {
        // `format!("{dir}/{name}")`
        Some(text) => {
            names.iter().any(|name| ["}", ":", "."].iter().any(|end| text.contains(&format!("{{{name}{end}"))))
        }
        None => code.word(at).is_some_and(|word| names.iter().any(|name| name == word)),
    })
}
