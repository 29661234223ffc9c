//! A source file: its code, what in it is only compiled for tests, and its functions that are annotated.

use std::{
    cell::RefCell,
    fs, io, iter,
    ops::Range,
    path::{Path as FilePath, PathBuf},
    rc::Rc,
    time::SystemTime,
};

use proc_macro2::Ident;
use syn::ext::IdentExt;

use super::{Code, Kind, NOTE};

/// What is larger was not written by a person.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A source file that could be read.
pub(crate) struct File {
    pub(crate) path: Rc<FilePath>,
    pub(crate) code: Code,
    /// The tokens of tests.
    tests: Vec<Range<usize>>,
    /// The functions that stand below an attribute of ours.
    pub(crate) marked: Vec<Marked>,
}

/// A function below one of our attributes.
pub(crate) struct Marked {
    /// `handler`, say.
    pub(crate) attribute: String,
    /// The token of its name.
    pub(crate) name: usize,
    /// What stands in the parentheses of the attribute; empty where there are none.
    pub(crate) arguments: Range<usize>,
    pub(crate) body: Range<usize>,
}

/// A module of a file that is another file.
pub(crate) struct Module {
    /// The modules around it in the file, and its own name.
    pub(crate) names: Vec<String>,
    /// `#[path = ".."]`
    pub(crate) path: Option<String>,
}

impl File {
    /// Reads a file. It can't be looked at where it is none, too large, no UTF-8, or lacks a bracket.
    pub(crate) fn read(path: &FilePath) -> Option<Self> {
        // A pipe or a device has no end, and no length that says so.
        let known = fs::metadata(path).ok()?;
        if !known.is_file() || known.len() > LARGEST {
            return None;
        }
        Self::new(fs::read_to_string(path).ok()?, path)
    }

    /// A file with this text.
    pub(crate) fn new(text: String, path: &FilePath) -> Option<Self> {
        let path: Rc<FilePath> = path.into();
        let code = Code::of_file(text, path.clone())?;
        let mut file = Self { path, code, tests: Vec::new(), marked: Vec::new() };
        file.read_attributes();
        Some(file)
    }

    /// The file that an annotated function stands in, and its name there. A language server may not know it, and in an
    /// example of the documentation or a text that is not saved yet other lines stand there: then nothing is known.
    pub(crate) fn around(name: &Ident) -> Option<(Rc<Self>, usize)> {
        let text = name.unraw().to_string();
        #[cfg(test)]
        if let Some(file) = AROUND.with_borrow(Clone::clone) {
            let is_name = |at: &usize| *at > 0 && file.code.is_word(at - 1, "fn");
            let at = file.code.each_word(&text).find(is_name)?;
            return Some((file, at));
        }
        if !proc_macro::is_available() {
            return None;
        }
        let span = name.span().unwrap();
        let file = cached(span.local_file()?).ok()?;
        let at = file.code.word_on_line(span.line(), &[&text])?;
        Some((file, at))
    }

    /// Whether one of these words stands where a macro is called.
    pub(crate) fn is_called_from(&self, line: usize, words: &[&str]) -> bool {
        self.code.word_on_line(line, words).is_some()
    }

    /// Whether a token is compiled for tests only.
    pub(crate) fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|test| test.contains(&at))
    }

    /// The function below one of our attributes that a token stands in.
    pub(crate) fn marked_around(&self, at: usize) -> Option<&Marked> {
        self.marked.iter().find(|marked| marked.body.contains(&at))
    }

    /// The modules that are files of their own; those of tests aren't.
    pub(crate) fn modules(&self) -> Vec<Module> {
        let code = &self.code;
        let mut modules = Vec::new();
        for at in code.each_word("mod") {
            if !code.is(at + 2, ";") || self.is_test(at) {
                continue;
            }
            let mut names: Vec<_> = code.around(at).filter_map(|open| self.folder_of(open)).collect();
            names.reverse();
            names.push(code.text(at + 1).to_owned());
            modules.push(Module { names, path: self.path_attribute(at) });
        }
        modules
    }

    /// The folder of the files of a module that stands in the code, whose bracket this is.
    fn folder_of(&self, open: usize) -> Option<String> {
        let name = open.checked_sub(1)?;
        let module = name.checked_sub(1).filter(|at| self.code.is_word(*at, "mod"))?;
        Some(self.path_attribute(module).unwrap_or_else(|| self.code.text(name).to_owned()))
    }

    /// The text of a `#[path = ".."]` above `mod`.
    fn path_attribute(&self, at: usize) -> Option<String> {
        let code = &self.code;
        let statement = code.statement(at);
        let path = (statement.start..at).find(|at| code.is_word(*at, "path") && code.is(at + 1, "="))?;
        code.string(path + 2).map(str::to_owned)
    }

    /// Finds what is for tests, and what is annotated.
    fn read_attributes(&mut self) {
        let code = &self.code;
        let (mut tests, mut marked) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < code.len() {
            let is_inner = code.is(at + 1, "!");
            let open = if is_inner { at + 2 } else { at + 1 };
            if !code.is(at, "#") || !code.is(open, "[") {
                at += 1;
                continue;
            }
            let after = code.after(open);
            let attribute = Attribute::of(code, code.inside(open));
            if attribute.is_of_tests(code) {
                let around = code.around(at).next().map_or(0..code.len(), |open| code.inside(open));
                let test = if is_inner { around } else { item(code, after) };
                at = test.end.max(after);
                tests.push(test);
                continue;
            }
            let item = item(code, after);
            if let Some((name, arguments)) = attribute.ours(code)
                && let Some(function) = item.clone().find(|at| code.is_word(*at, "fn"))
                && code.is(item.end.saturating_sub(1), "}")
            {
                let body = code.inside(code.partner(item.end - 1));
                marked.push(Marked { attribute: name, name: function + 1, arguments, body });
            }
            at = after;
        }
        (self.tests, self.marked) = (tests, marked);
    }
}

/// What marks a function.
const OURS: [&str; 6] = ["cloud_service", "command", "handler", "health", "ready", "worker"];

/// What stands between the brackets of an attribute.
struct Attribute {
    /// The names of its path, and the marks between them.
    path: Range<usize>,
    arguments: Range<usize>,
}

impl Attribute {
    fn of(code: &Code, inside: Range<usize>) -> Self {
        let is_path = |at: &usize| matches!(code.kind(*at), Some(Kind::Word)) || code.is(*at, ":");
        let end = inside.clone().find(|at| !is_path(at)).unwrap_or(inside.end);
        let arguments = if code.is(end, "(") { code.inside(end) } else { end..end };
        Self { path: inside.start..end, arguments }
    }

    fn last<'a>(&self, code: &'a Code) -> &'a str {
        code.text(self.path.end.saturating_sub(1))
    }

    /// Whether what is below it is compiled for tests only.
    fn is_of_tests(&self, code: &Code) -> bool {
        match self.last(code) {
            "test" => true,
            "cfg" => needs_test(code, self.arguments.clone()),
            _ => false,
        }
    }

    /// Which of our attributes it is, with what is given to that; it may be one of several that a `cfg_attr` has.
    fn ours(&self, code: &Code) -> Option<(String, Range<usize>)> {
        if self.last(code) == "cfg_attr" {
            let given = code.parts(self.arguments.clone());
            return given.into_iter().skip(1).find_map(|part| Self::of(code, part).ours(code));
        }
        let last = self.last(code);
        let imported = if self.path.len() == 1 { code.resolve(self.path.start) } else { None };
        let name = match &imported {
            Some(path) => path.trim_start_matches("::").strip_prefix("seaworthy::")?.rsplit("::").next()?,
            None => last,
        };
        let is_ours = self.path.len() == 1 || self.path.clone().any(|at| code.is_word(at, "seaworthy"));
        (OURS.contains(&name) && is_ours).then(|| (name.to_owned(), self.arguments.clone()))
    }
}

/// Whether a predicate of `cfg` holds in tests only.
fn needs_test(code: &Code, predicate: Range<usize>) -> bool {
    let inside = || code.parts(code.inside(predicate.start + 1)).into_iter();
    match code.text(predicate.start) {
        "test" => predicate.len() == 1,
        "all" => inside().any(|part| needs_test(code, part)),
        "any" => inside().all(|part| needs_test(code, part)),
        _ => false,
    }
}

/// The item that begins here, with its other attributes.
fn item(code: &Code, start: usize) -> Range<usize> {
    let mut at = start;
    while code.is(at, "#") {
        at = code.after(at + 1);
    }
    while at < code.len() {
        if code.is(at, ";") || code.is(at, "{") {
            return start..code.after(at);
        }
        if code.is(at, "}") {
            break;
        }
        at = code.after(at);
    }
    start..at
}

impl Code {
    /// The comments that speak to us: their lines, and what they say.
    pub(crate) fn notes(&self) -> impl Iterator<Item = (usize, &str)> {
        self.notes.iter().filter_map(|at| {
            let said = self.text.get(at + NOTE.len()..)?.lines().next().unwrap_or_default();
            Some((self.line_at(*at), said))
        })
    }

    /// Where each line starts.
    fn line_starts(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let after = self.text.match_indices('\n').map(|(at, _)| at + 1);
            iter::once(0).chain(after).collect()
        })
    }

    /// The line that a token of a file stands on, from 1.
    pub(crate) fn line(&self, token: usize) -> usize {
        let start = self.tokens.get(token).map_or(self.text.len(), |token| token.start as usize);
        self.line_at(start)
    }

    fn line_at(&self, at: usize) -> usize {
        self.line_starts().partition_point(|line| *line <= at)
    }

    /// The first line of code below a line.
    pub(crate) fn line_below(&self, line: usize) -> usize {
        self.line(self.token_at(line + 1))
    }

    /// Where one of these words stands on a line.
    fn word_on_line(&self, line: usize, words: &[&str]) -> Option<usize> {
        let first = self.token_at(line);
        let on_line = (first..self.len()).take_while(|at| self.line(*at) == line);
        on_line.into_iter().find(|at| self.word(*at).is_some_and(|word| words.contains(&word)))
    }

    /// The first token on a line or after it.
    pub(crate) fn token_at(&self, line: usize) -> usize {
        let start = self.line_starts().get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        self.tokens.partition_point(|token| (token.start as usize) < start)
    }
}

// === The files of this compilation ===

/// How many are kept: the compiler goes through them one after another, and a language server stays for days.
const KEPT: usize = 16;

thread_local! {
    static FILES: RefCell<Vec<Cached>> = const { RefCell::new(Vec::new()) };
}

struct Cached {
    path: PathBuf,
    written: SystemTime,
    file: Option<Rc<File>>,
}

/// A file, read once as long as nobody writes it: each annotated function in it asks.
fn cached(path: PathBuf) -> io::Result<Rc<File>> {
    let written = fs::metadata(&path)?.modified()?;
    FILES
        .with_borrow_mut(|files| {
            let known = files.iter().position(|cached| cached.path == path);
            if let Some(cached) = known.and_then(|known| files.get(known)).filter(|cached| cached.written == written) {
                return cached.file.clone();
            }
            known.map(|known| files.remove(known));
            let file = File::read(&path).map(Rc::new);
            if files.len() == KEPT {
                files.remove(0);
            }
            files.push(Cached { path, written, file: file.clone() });
            file
        })
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
thread_local! {
    /// What functions are expanded in, where no compiler says it.
    static AROUND: RefCell<Option<Rc<File>>> = const { RefCell::new(None) };
}

/// Expands what stands in a file.
#[cfg(test)]
pub(crate) fn within<T>(file: File, expand: impl FnOnce() -> T) -> T {
    AROUND.set(Some(Rc::new(file)));
    let expanded = expand();
    AROUND.set(None);
    expanded
}
