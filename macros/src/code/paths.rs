//! The paths and the methods that code calls.

use std::{collections::HashMap, ops::Range};

use super::{Code, Kind, imports::is_import};

/// A path that is used: `std::thread::sleep`.
#[derive(Debug)]
pub(crate) struct Path {
    /// Its tokens.
    pub(crate) tokens: Range<usize>,
    /// What it stands for: its imports resolved, without the types in it.
    pub(crate) name: String,
    used: Used,
}

#[derive(Clone, Copy, Debug)]
enum Used {
    /// With the bracket before its arguments.
    Call(usize),
    /// With the bracket before what is given to it.
    Macro(usize),
    Otherwise,
}

/// A call of a method.
#[derive(Debug)]
pub(crate) struct Method {
    /// The token of its name.
    pub(crate) name: usize,
    /// The bracket before its arguments.
    pub(crate) arguments: usize,
}

impl Path {
    pub(crate) fn is_call(&self) -> bool {
        matches!(self.used, Used::Call(_))
    }

    pub(crate) fn is_macro(&self) -> bool {
        matches!(self.used, Used::Macro(_))
    }

    /// The bracket before what is given to the function or macro.
    pub(crate) fn arguments(&self) -> Option<usize> {
        match self.used {
            Used::Call(open) | Used::Macro(open) => Some(open),
            Used::Otherwise => None,
        }
    }

    /// Whether it is one of these. One that ends with `*` stands for all that begin so.
    pub(crate) fn is_one_of(&self, paths: &[&str]) -> bool {
        let name = self.name.as_bytes();
        for path in paths {
            let is_it = match path.as_bytes() {
                [start @ .., b'*'] => name.starts_with(start),
                path => name == path,
            };
            if is_it {
                return true;
            }
        }
        false
    }

    /// Its last name: `sleep`.
    pub(crate) fn last_name(&self) -> &str {
        self.name.rsplit("::").next().unwrap_or_default()
    }
}

/// Words after which a name is a declaration, not a use.
const DECLARES: [&str; 8] = ["fn", "mod", "struct", "enum", "trait", "type", "union", "let"];

/// So many are compared faster than looked up: those of a function.
const FEW: usize = 50;

/// The paths of a code.
pub(super) struct Paths {
    pub(super) in_order: Vec<Path>,
    /// Which begin with a name: rules ask for those of a crate, and there are many.
    by_crate: HashMap<String, Vec<usize>>,
}

impl Paths {
    pub(super) fn of(code: &Code) -> Self {
        let mut paths = Self { in_order: Vec::new(), by_crate: HashMap::new() };
        let mut at = 0;
        while at < code.len() {
            if code.kind(at) != Some(Kind::Word) {
                at += 1;
            } else if code.is_word(at, "use") && is_import(code, at) {
                while at < code.len() && !code.is(at, ";") && code.kind(at) != Some(Kind::Close) {
                    at = code.after(at);
                }
            } else if !(code.is_marks(at + 1, "::") || code.is(at + 1, "!") || code.may_be_imported(at))
                || continues(code, at)
            {
                at += 1;
            } else {
                let (segments, end) = segments(code, at);
                if let Some(path) = path(code, &segments, at..end) {
                    paths.add(path);
                }
                at = end;
            }
        }
        paths
    }

    fn add(&mut self, path: Path) {
        let index = self.in_order.len();
        let first = path.name.split("::").next().unwrap_or_default();
        match self.by_crate.get_mut(first) {
            Some(indices) => indices.push(index),
            None => _ = self.by_crate.insert(first.to_owned(), vec![index]),
        }
        self.in_order.push(path);
    }

    /// Those that may be one of these, in their order: they begin with the same name.
    pub(super) fn of_crates(&self, paths: &[&str]) -> Vec<&Path> {
        if self.in_order.len() < FEW {
            return self.in_order.iter().collect();
        }
        let mut firsts: Vec<&str> = paths.iter().filter_map(|path| path.split("::").next()).collect();
        firsts.sort_unstable();
        firsts.dedup();
        let mut indices: Vec<usize> =
            firsts.iter().filter_map(|first| self.by_crate.get(*first)).flatten().copied().collect();
        indices.sort_unstable();
        indices.into_iter().filter_map(|index| self.in_order.get(index)).collect()
    }
}

/// Whether a word is a field, a method, the rest of a path or a declaration.
fn continues(code: &Code, at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return false;
    };
    let is_field = code.is(before, ".") && !before.checked_sub(1).is_some_and(|dot| code.is_marks(dot, ".."));
    is_field || code.word(before).is_some_and(|word| DECLARES.contains(&word))
}

/// The tokens of the names in a path, and where it ends: after the types of its last.
fn segments(code: &Code, first: usize) -> (Vec<usize>, usize) {
    let mut segments = vec![first];
    let mut end = first + 1;
    while code.is_marks(end, "::") {
        if code.kind(end + 2) == Some(Kind::Word) {
            segments.push(end + 2);
            end += 3;
        } else if code.is(end + 2, "<") {
            end = types_end(code, end + 2);
        } else {
            break;
        }
    }
    (segments, end)
}

/// After the `>` of a `<`.
pub(super) fn types_end(code: &Code, open: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = open;
    while at < code.len() {
        if code.is(at, "<") {
            depth += 1;
        } else if code.is(at, ">") && !code.is_marks(at.saturating_sub(1), "->") {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        } else if code.is(at, ";") {
            break;
        }
        at = code.after(at);
    }
    at
}

fn path(code: &Code, segments: &[usize], tokens: Range<usize>) -> Option<Path> {
    let used = if code.is(tokens.end, "(") {
        Used::Call(tokens.end)
    } else if code.is(tokens.end, "!") && code.kind(tokens.end + 1) == Some(Kind::Open) {
        Used::Macro(tokens.end + 1)
    } else {
        Used::Otherwise
    };
    let (first, rest) = segments.split_first()?;
    if matches!(code.text(*first), "crate" | "self" | "super" | "Self") {
        return None;
    }
    let is_rooted = first.checked_sub(2).is_some_and(|root| code.is_marks(root, "::"));
    let imported = if is_rooted { None } else { code.resolve(*first) };
    if imported.is_none() && rest.is_empty() && !matches!(used, Used::Macro(_)) {
        return None;
    }
    let mut name = imported.unwrap_or_else(|| code.text(*first).to_owned());
    for segment in rest {
        name.push_str("::");
        name.push_str(code.text(*segment));
    }
    Some(Path { tokens, name, used })
}

pub(super) fn methods(code: &Code) -> Vec<Method> {
    let mut methods = Vec::new();
    for dot in code.each_mark(b'.') {
        let name = dot + 1;
        if code.kind(name) != Some(Kind::Word) {
            continue;
        }
        let arguments =
            if code.is_marks(name + 1, "::") && code.is(name + 3, "<") { types_end(code, name + 3) } else { name + 1 };
        if code.is(arguments, "(") {
            methods.push(Method { name, arguments });
        }
    }
    methods
}
