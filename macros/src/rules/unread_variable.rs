//! A variable that is set does something.
//!
//! Each field of a configuration is a line in `--help` and in somebody's manifest. One that no code reads is set,
//! reviewed and rolled out, every pod is restarted for it, and nothing changes: it is looked for where it isn't, often
//! for hours.
//!
//! See [Define environment variables for a container](https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/).
//!
//! ```wrong
//! #[config(env)]
//! pub struct Config {
//!     pub cache_lifetime: Duration,
//! }
//!
//! #[cloud_service]
//! async fn main(config: Config) -> Router {
//!     Router::new().with_state(Cache::new())
//! }
//! ```
//!
//! ```right
//! #[config(env)]
//! pub struct Config {
//!     pub cache_lifetime: Duration,
//! }
//!
//! #[cloud_service]
//! async fn main(config: Config) -> Router {
//!     Router::new().with_state(Cache::new(config.cache_lifetime))
//! }
//! ```
//!
//! It speaks of `pub` fields of `pub` structs in a program, of which the compiler itself says nothing ("field is never
//! read"), where the name of the field is nowhere else in the files. It can't see whether another thing of that name
//! is meant. It is silent about fields that begin with `_`, are skipped or flattened, below `#[allow(dead_code)]`,
//! where the struct derives more than the usual, such as `Serialize`, which reads them all, and where a file of the
//! crate can't be read or brings another by `include!`.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{Check, Crate, Findings, Level, Rule};
use crate::code::{Code, File};

pub(super) const RULE: Rule =
    Rule { code: "SW031", name: "unread-variable", level: Level::Warning, check: Check::Crate(check) };

/// What can be derived without reading a field for somebody.
const USUAL: [&str; 9] = ["Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];

fn check(all: &Crate, found: &mut Findings) {
    let is_program = |file: &File| file.code.each_word("fn").any(|at| is_main(&file.code, at));
    if !all.is_whole
        || !all.files.first().is_some_and(is_program)
        || all.files.iter().any(|file| allows_dead_code(&file.code))
    {
        return;
    }
    let mut files: Vec<_> = all.files.iter().map(|file| (file, fields(&file.code))).collect();
    files.retain(|(_, fields)| !fields.is_empty());
    if files.is_empty() {
        return;
    }
    let modules: HashSet<&str> = all.files.iter().flat_map(|file| public_modules(&file.code)).collect();
    let mut declared = Vec::new();
    for (file, fields) in files.into_iter().filter(|(file, _)| is_public(all, file, &modules)) {
        declared.extend(fields.into_iter().map(|at| (file, at)));
    }
    let mut uses: HashMap<&str, usize> = declared.iter().map(|(file, at)| (file.code.text(*at), 0)).collect();
    if uses.is_empty() {
        return;
    }
    for file in &all.files {
        for word in (0..file.code.len()).filter_map(|at| file.code.word(at)) {
            uses.entry(word).and_modify(|uses| *uses += 1);
        }
    }
    for (file, at) in declared {
        let name = file.code.text(at);
        // Its declaration is the one.
        if uses.get(name) == Some(&1) {
            let what = format!("nothing reads `{name}`: whoever sets its variable changes nothing");
            found.add(&file.code, at, at, what, format!("use `{name}`, or remove it"));
        }
    }
}

fn is_main(code: &Code, at: usize) -> bool {
    code.is_word(at + 1, "main") && code.around(at).next().is_none()
}

/// `#![allow(dead_code)]`
fn allows_dead_code(code: &Code) -> bool {
    (0..code.len()).any(|at| {
        code.is(at, "#")
            && code.is(at + 1, "!")
            && code.is(at + 2, "[")
            && code.has_word(code.inside(at + 2), &["dead_code", "unused"])
            && code.has_word(code.inside(at + 2), &["allow", "expect"])
    })
}

/// The names of the `pub` fields that are read from variables.
fn fields(code: &Code) -> Vec<usize> {
    let mut fields = Vec::new();
    for at in code.each_word("struct").filter(|at| is_after(code, *at, 1, "pub")) {
        let open = at + 2;
        let before = code.statement(at).start..at;
        if code.is(open, "{") && are_modules_public(code, at) && is_config(code, before) {
            for part in code.parts(code.inside(open)) {
                fields.extend(field(code, part));
            }
        }
    }
    fields
}

/// Whether the attributes make a configuration of a struct whose fields nothing reads by itself.
fn is_config(code: &Code, attributes: Range<usize>) -> bool {
    let attributes: Vec<_> =
        attributes.filter(|at| code.is(*at, "#") && code.is(at + 1, "[")).map(|at| at + 1).collect();
    let of = |open: usize, name: &str| {
        let arguments = (open + 1..code.partner(open)).find(|at| code.is(*at, "("))?;
        arguments.checked_sub(1).is_some_and(|before| code.is_word(before, name)).then(|| code.inside(arguments))
    };
    let is_read =
        attributes.iter().any(|open| of(*open, "config").is_some_and(|inside| code.has_word(inside, &["env"])));
    let derives = attributes.iter().filter_map(|open| of(*open, "derive")).flatten();
    let is_usual = derives.into_iter().filter_map(|at| code.word(at)).all(|name| USUAL.contains(&name));
    let is_quiet = attributes.iter().any(|open| code.has_word(code.inside(*open), &["dead_code", "unused"]));
    is_read && is_usual && !is_quiet
}

/// The name of a field, where it is one that has a variable.
fn field(code: &Code, part: Range<usize>) -> Option<usize> {
    let mut at = part.start;
    while code.is(at, "#") {
        if code.has_word(code.inside(at + 1), &["skip", "flatten", "dead_code", "unused"]) {
            return None;
        }
        at = code.after(at + 1);
    }
    let name = at + 1;
    let is_field = code.is_word(at, "pub") && code.is(name + 1, ":") && !code.is_marks(name + 1, "::");
    (is_field && code.word(name).is_some_and(|name| !name.starts_with('_'))).then_some(name)
}

/// Whether every module around it in the file is `pub`: of others the compiler says that they are not read.
fn are_modules_public(code: &Code, at: usize) -> bool {
    let mut modules = code.around(at).filter(|open| is_after(code, *open, 2, "mod"));
    modules.all(|open| is_after(code, open, 3, "pub"))
}

/// Whether the file is the root, or each module on the way to it is `pub`.
fn is_public(all: &Crate, file: &File, modules: &HashSet<&str>) -> bool {
    let Some(root) = all.files.first().filter(|root| !std::ptr::eq(*root, file)) else {
        return true;
    };
    let below = root.path.parent().and_then(|folder| file.path.strip_prefix(folder).ok());
    let names = below.map(|path| path.with_extension("")).unwrap_or_default();
    let mut names = names.iter().filter_map(|name| name.to_str()).filter(|name| *name != "mod");
    names.all(|name| modules.contains(name))
}

/// The names in `pub mod name;`.
fn public_modules(code: &Code) -> impl Iterator<Item = &str> {
    let modules = code.each_word("mod").filter(|at| is_after(code, *at, 1, "pub") && code.is(at + 2, ";"));
    modules.map(|at| code.text(at + 1))
}

/// Whether this word stands so many tokens before another.
fn is_after(code: &Code, at: usize, tokens: usize, word: &str) -> bool {
    at.checked_sub(tokens).is_some_and(|before| code.is_word(before, word))
}
