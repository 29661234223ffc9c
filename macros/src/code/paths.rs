//! The paths and the methods that code calls.

use std::ops::Range;

use super::{Code, Kind};

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
        paths.iter().any(|path| match path.strip_suffix('*') {
            Some(start) => self.name.starts_with(start),
            None => self.name == *path,
        })
    }

    /// Its last name: `sleep`.
    pub(crate) fn last_name(&self) -> &str {
        self.name.rsplit("::").next().unwrap_or_default()
    }
}

/// Words after which a name is a declaration, not a use.
const DECLARES: [&str; 8] = ["fn", "mod", "struct", "enum", "trait", "type", "union", "let"];

pub(super) fn paths(code: &Code) -> Vec<Path> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < code.len() {
        if code.is_word(at, "use") {
            while at < code.len() && !code.is(at, ";") {
                at = code.after(at);
            }
            continue;
        }
        if code.kind(at) != Some(Kind::Word) || continues(code, at) {
            at += 1;
            continue;
        }
        let (segments, end) = segments(code, at);
        paths.extend(path(code, &segments, at..end));
        at = end;
    }
    paths
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
    for dot in 0..code.len() {
        let name = dot + 1;
        if !code.is(dot, ".") || code.kind(name) != Some(Kind::Word) {
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
