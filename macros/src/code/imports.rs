//! What `use` brings into a file, a module or a block.

use std::{collections::HashMap, ops::Range, rc::Rc};

use super::{Code, File};

/// The names that are imported.
pub(crate) struct Imports {
    by_name: HashMap<String, Vec<Import>>,
    /// Which lengths and first letters there are: most names are none of these, and need not be hashed.
    rough: [bool; 256],
    /// The brackets of the modules that stand in the code itself.
    modules: Vec<Range<usize>>,
}

struct Import {
    /// The tokens that can see it: those of a block, a module or the whole code.
    scope: Range<usize>,
    module: usize,
    path: String,
}

impl Imports {
    pub(super) fn of(code: &Code) -> Self {
        let mut imports = Self { by_name: HashMap::new(), rough: [false; 256], modules: Vec::new() };
        let (modules, uses) = code.modules_and_uses();
        let inside = modules.iter().filter(|at| code.is(**at + 2, "{"));
        imports.modules.extend(inside.map(|at| code.inside(at + 2)));
        for at in uses {
            imports.add_tree(code, at, at + 1, String::new());
        }
        // A module of one's own hides the crate of its name.
        for at in modules {
            imports.add(code, at, code.text(at + 1).to_owned(), format!("self::{}", code.text(at + 1)));
        }
        imports
    }

    /// Reads `a::b`, `a::{b, c as d}` and the like from `at` on; returns where it ends.
    fn add_tree(&mut self, code: &Code, at_use: usize, mut at: usize, mut path: String) -> usize {
        let mut last = "";
        loop {
            if code.is_marks(at, "::") {
                at += 2;
            } else if let Some(word) = code.word(at).filter(|word| *word != "as") {
                last = word;
                if word != "self" || path.is_empty() {
                    if !path.is_empty() {
                        path.push_str("::");
                    }
                    path.push_str(word);
                } else {
                    last = path.rsplit("::").next().unwrap_or_default();
                    let name = last.to_owned();
                    let renamed = code.is_word(at + 1, "as").then(|| code.text(at + 2).to_owned());
                    self.add(code, at_use, renamed.unwrap_or(name), path);
                    return self.end(code, at);
                }
                at += 1;
            } else {
                break;
            }
        }
        if code.is(at, "{") {
            let inside = code.inside(at);
            let mut next = inside.start;
            while next < inside.end {
                next = self.add_tree(code, at_use, next, path.clone()).max(next) + 1;
            }
            return code.after(at);
        }
        if code.is_word(at, "as") {
            self.add(code, at_use, code.text(at + 1).to_owned(), path);
        } else if !code.is(at, "*") && !last.is_empty() {
            self.add(code, at_use, last.to_owned(), path);
        }
        self.end(code, at)
    }

    /// The comma or semicolon after one name of a tree, or where the tree ends.
    fn end(&self, code: &Code, mut at: usize) -> usize {
        while at < code.len() && !code.is(at, ",") && !code.is(at, ";") && !code.is(at, "}") {
            at = code.after(at);
        }
        at
    }

    fn add(&mut self, code: &Code, at_use: usize, name: String, path: String) {
        if name == "_" {
            return;
        }
        let scope = code.around(at_use).next().map_or(0..usize::MAX, |open| code.inside(open));
        let module = self.module_of(at_use);
        if let Some(rough) = self.rough.get_mut(rough(&name)) {
            *rough = true;
        }
        self.by_name.entry(name).or_default().push(Import { scope, module, path });
    }

    /// The innermost module that a token stands in; 0 is that of the code itself.
    pub(super) fn module_of(&self, at: usize) -> usize {
        let inside = |module: &Range<usize>| module.contains(&at);
        self.modules.iter().rposition(inside).map_or(0, |index| index + 1)
    }

    /// What a name stands for there.
    pub(super) fn resolve(&self, name: &str, at: usize, module: usize) -> Option<String> {
        let mut resolved = self.lookup(name, at, module)?.to_owned();
        // `use std::thread; use thread::sleep;`
        for _ in 0..4 {
            let (first, rest) = match resolved.split_once("::") {
                Some((first, rest)) => (first.to_owned(), format!("::{rest}")),
                None => (resolved.clone(), String::new()),
            };
            match self.lookup(&first, at, module) {
                Some(further) if first != name && further != first => resolved = format!("{further}{rest}"),
                _ => break,
            }
        }
        Some(resolved)
    }

    /// Whether something of this length and first letter was imported.
    fn may_have(&self, name: &str) -> bool {
        self.rough.get(rough(name)) == Some(&true)
    }

    fn lookup(&self, name: &str, at: usize, module: usize) -> Option<&str> {
        if !self.may_have(name) {
            return None;
        }
        let seen = |import: &&Import| import.module == module && import.scope.contains(&at);
        let seen = || self.by_name.get(name).into_iter().flatten().filter(seen);
        let innermost = seen().max_by_key(|import| import.scope.start)?;
        // Below `#[cfg]`s the same name may stand for one thing or another.
        let other = seen().find(|import| import.scope.start == innermost.scope.start && import.path != innermost.path);
        other.is_none().then_some(innermost.path.as_str())
    }
}

/// Whether a `use` imports: that of `impl Trait + use<'a>`, and one in a macro of HTML, doesn't.
pub(super) fn is_import(code: &Code, at_use: usize) -> bool {
    let next = at_use + 1;
    code.word(next).is_some() || code.is(next, "{") || code.is_marks(next, "::")
}

fn rough(name: &str) -> usize {
    let first = name.as_bytes().first().copied().unwrap_or_default();
    usize::from(first ^ (name.len() as u8).wrapping_mul(37))
}

impl Code {
    /// Where modules and imports are declared: every token is asked once.
    fn modules_and_uses(&self) -> (Vec<usize>, Vec<usize>) {
        let (mut modules, mut uses) = (Vec::new(), Vec::new());
        for at in self.each_of_length(3) {
            match self.text(at) {
                "mod" if self.is(at + 2, "{") || self.is(at + 2, ";") => modules.push(at),
                "use" if is_import(self, at) => uses.push(at),
                _ => {}
            }
        }
        (modules, uses)
    }

    /// Whether the name at a token may be an imported one. Most are not.
    pub(super) fn may_be_imported(&self, at: usize) -> bool {
        let name = self.text(at);
        let is_around = |(file, _): &(Rc<File>, usize)| file.code.imports().may_have(name);
        self.imports().may_have(name) || self.around.as_ref().is_some_and(is_around)
    }

    /// What the name at a token stands for, where it was imported.
    pub(super) fn resolve(&self, at: usize) -> Option<String> {
        let imports = self.imports();
        let name = self.text(at);
        if imports.may_have(name)
            && let Some(path) = imports.resolve(name, at, imports.module_of(at))
        {
            return Some(path);
        }
        let (file, at) = self.around.as_ref()?;
        let imports = file.code.imports();
        imports.resolve(name, *at, imports.module_of(*at))
    }
}
