//! The view of a whole crate: every file of a service or library, from where `#[cloud_service]` or `audit!` stands.
//!
//! The files are found by their `mod`, whatever `#[cfg]` stands above it, and read with a lexer of our own
//! (`crate::code`), so that ten thousand lines take milliseconds. What can't be read, has no place on the disk, or comes by
//! `include!` is left out. Functions below our attributes have their own report, by the attribute, and code for tests has
//! none.

use std::{
    cell::Cell,
    path::{Component, Path, PathBuf},
};

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use super::{Check, Finding, Findings, RULES, Rule, allow, report};
use crate::{code::File, errors::Errors};

/// No service of a person's has more.
const MOST_FILES: usize = 10_000;

/// The files of a crate, the root first.
pub(crate) struct Crate {
    pub(crate) files: Vec<File>,
    /// Whether nothing is known to be missing: a file that can't be read, or what an `include!` brings.
    pub(crate) is_whole: bool,
}

/// `audit!()`
pub(crate) fn audit_macro(arguments: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    if arguments.is_empty() {
        audit(&mut errors);
    } else {
        errors.add(arguments, "`audit!` takes nothing", "write `seaworthy::audit!();`");
    }
    errors.into_token_stream()
}

/// Looks at every file of the crate whose root the macro stands in.
pub(crate) fn audit(errors: &mut Errors) {
    if !proc_macro::is_available() {
        return;
    }
    let called = Span::call_site().unwrap();
    let Some(root) = called.local_file() else {
        return;
    };
    // In an example of the documentation this is the file around it, and no root.
    let audited = Crate::read(&root);
    let is_root = |file: &File| file.is_called_from(called.line(), &["audit", "cloud_service"]);
    if audited.files.first().is_some_and(is_root) {
        audited.audit(errors);
    }
}

impl Crate {
    /// Notes what the rules find in the files.
    pub(crate) fn audit(&self, errors: &mut Errors) {
        let mut all: Vec<_> = self.files.iter().map(|file| (file, Comments::of(file, errors), Vec::new())).collect();
        for rule in RULES {
            let mut findings = Findings::of(rule);
            match rule.check {
                Check::Everywhere(_, check) => self.files.iter().for_each(|file| check(&file.code, &mut findings)),
                Check::Crate(check) => check(self, &mut findings),
                Check::Function(..) | Check::Field(_) => {}
            }
            for finding in findings.found {
                if let Some((_, _, found)) = all.iter_mut().find(|(file, ..)| finding.is_in(file)) {
                    found.push(finding);
                }
            }
        }
        for (file, allows, found) in &mut all {
            found.retain(|finding| !is_elsewhere(finding, file) && !allows.allow(finding, file));
            report(found, errors);
            allows.warn_of_unused(file, errors);
        }
    }
}

/// Whether it is that of a test, or of an attribute, which has said it.
fn is_elsewhere(finding: &Finding, file: &File) -> bool {
    let is_crate = matches!(finding.rule.check, Check::Crate(_));
    file.is_test(finding.token) || (!is_crate && file.marked_around(finding.token).is_some())
}

impl Finding {
    fn is_in(&self, file: &File) -> bool {
        matches!(&self.at, crate::code::At::File { path, .. } if *path == file.path)
    }
}

impl Crate {
    /// How many lines its files have.
    #[cfg(test)]
    pub(crate) fn lines(&self) -> usize {
        self.files.iter().map(|file| file.code.line(file.code.len()) - 1).sum()
    }

    /// Reads the root and the files of its modules.
    pub(crate) fn read(root: &Path) -> Self {
        let mut files: Vec<File> = Vec::new();
        let mut are_read = true;
        let mut waiting = vec![(root.to_owned(), root.parent().map(Path::to_owned).unwrap_or_default())];
        while let Some((path, folder)) = waiting.pop() {
            if files.iter().any(|file| *file.path == *path) {
                continue;
            }
            let file = if files.len() == MOST_FILES { None } else { File::read(&path) };
            let Some(file) = file else {
                are_read &= !path.exists();
                continue;
            };
            let mut children: Vec<_> =
                file.modules().iter().filter_map(|module| find(module, &path, &folder)).collect();
            children.reverse();
            waiting.extend(children);
            files.push(file);
        }
        Self::of(files, are_read)
    }

    /// The crate of these files.
    pub(crate) fn of(files: Vec<File>, are_all: bool) -> Self {
        let includes = |file: &File| file.code.each_word("include").any(|at| file.code.is(at + 1, "!"));
        let is_whole = are_all && !files.iter().any(includes);
        Self { files, is_whole }
    }
}

/// The file of a module, and the folder of those in it.
fn find(module: &crate::code::Module, parent: &Path, folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut own = folder.to_owned();
    let (name, around) = module.names.split_last()?;
    own.extend(around);
    if let Some(path) = &module.path {
        let base = if around.is_empty() { parent.parent()? } else { &own };
        let path = without_parents(&base.join(path));
        let folder = path.parent()?.to_owned();
        return Some((path, folder));
    }
    let inside = own.join(name);
    let beside = own.join(format!("{name}.rs"));
    let path = if beside.is_file() { beside } else { inside.join("mod.rs") };
    Some((path, inside))
}

/// `a/b.rs` for `a/c/../b.rs`, so that a file which is a module of itself is known again.
fn without_parents(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part != Component::ParentDir || !matches!(plain.components().next_back(), Some(Component::Normal(_))) {
            plain.push(part);
        } else {
            plain.pop();
        }
    }
    plain
}

// === `// seaworthy: allow(SW004) reason` ===

const COMMENT: &str = "write `// seaworthy: allow(SW004) reason` above the line";

/// What the comments of a file allow.
struct Comments {
    allows: Vec<Comment>,
}

struct Comment {
    rule: &'static Rule,
    /// Its own line.
    line: usize,
    /// The first line of code below it.
    allows: usize,
    used: Cell<bool>,
}

impl Comments {
    fn of(file: &File, errors: &mut Errors) -> Self {
        let mut allows = Vec::new();
        for (line, text) in file.code.notes() {
            // Whatever else somebody says to us is no mistake.
            let Some((word, rest)) = text.split_once('(') else {
                continue;
            };
            let place = format!("{}:{line}", file.path.display());
            let mut wrong = |what: String, help: &str| {
                errors.add_between(Span::call_site(), Span::call_site(), format!("{place}: {what}\nhelp: {help}"));
            };
            let (given, after) = match rest.split_once(')') {
                Some(split) if word.trim() == allow::ALLOW => split,
                _ => {
                    wrong("this comment allows nothing".into(), COMMENT);
                    continue;
                }
            };
            // Some write the reason as in an attribute.
            let is_reason = |part: &&str| part.starts_with("reason");
            let (reasons, codes): (Vec<_>, Vec<_>) = given.split(',').map(str::trim).partition(is_reason);
            if reasons.is_empty() && after.trim().is_empty() {
                wrong(format!("nothing says why `{given}` is allowed"), COMMENT);
            }
            for code in codes {
                match allow::rule(code) {
                    Ok(rule) => {
                        allows.push(Comment { rule, line, allows: file.code.line_below(line), used: Cell::new(false) });
                    }
                    Err(help) => wrong(format!("there is no rule `{code}`"), &help),
                }
            }
        }
        Self { allows }
    }

    /// Whether a comment stands above the line of what was found, or above that where its statement begins, be that one
    /// of several that commas part: the arm of a `match`, the field of a struct.
    fn allow(&self, finding: &Finding, file: &File) -> bool {
        let code = &file.code;
        let parts = code.parts(code.statement(finding.token));
        let start = parts.into_iter().find(|part| part.contains(&finding.token)).map(|part| part.start);
        let lines = [code.line(finding.token), code.line(start.unwrap_or(finding.token))];
        let allows = |comment: &&Comment| comment.rule.code == finding.rule.code && lines.contains(&comment.allows);
        self.allows.iter().find(allows).inspect(|comment| comment.used.set(true)).is_some()
    }

    fn warn_of_unused(&self, file: &File, errors: &mut Errors) {
        for Comment { rule, line, allows, .. } in self.allows.iter().filter(|comment| !comment.used.get()) {
            let below = file.code.token_at(*allows);
            if file.is_test(below) {
                continue;
            }
            let help = match file.marked_around(below) {
                Some(marked) => {
                    format!(
                        "write `#[{}(allow({}, reason = \"..\"))]` above `{}`",
                        marked.attribute,
                        rule.code,
                        file.code.text(marked.name)
                    )
                }
                None => "remove the comment".into(),
            };
            let place = format!("{}:{line}", file.path.display());
            let text = format!("{place}: `{}` finds nothing below this comment\nhelp: {help}", rule.name);
            errors.warn("unused_allow", Span::call_site(), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use quote::ToTokens;

    use super::*;

    /// A folder with these files, which is gone after the test.
    struct Folder(PathBuf);

    impl Folder {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let folder = std::env::temp_dir().join(format!("seaworthy-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = folder.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(folder)
        }

        fn files(&self, root: &str) -> Vec<String> {
            let audited = Crate::read(&self.0.join(root));
            let name = |file: &File| file.path.strip_prefix(&self.0).unwrap().to_str().unwrap().to_owned();
            audited.files.iter().map(name).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_files_of_a_crate_are_those_that_the_compiler_reads() {
        let folder = Folder::with(
            "modules",
            &[
                ("src/main.rs", "mod a; pub mod c; mod e { mod f; } #[path = \"g/h.rs\"] mod i; #[cfg(test)] mod t;"),
                ("src/a.rs", "mod b;"),
                ("src/a/b.rs", "mod missing; mod b;"),
                ("src/a/b/b.rs", "#[path = \"../b.rs\"] mod again;"),
                ("src/c/mod.rs", "mod d;"),
                ("src/c/d.rs", ""),
                ("src/e/f.rs", "mod unbalanced; mod binary;"),
                ("src/e/f/unbalanced.rs", "fn f( { mod x; }"),
                ("src/g/h.rs", "mod j;"),
                ("src/g/j.rs", ""),
                ("src/t.rs", ""),
                ("src/stray.rs", ""),
                ("src/bin/other.rs", "mod k;"),
                ("src/bin/k.rs", ""),
            ],
        );
        fs::write(folder.0.join("src/e/f/binary.rs"), [0xff, 0xfe]).unwrap();
        assert!(File::read(Path::new("/dev/zero")).is_none(), "what has no end");
        let main = ["main.rs", "a.rs", "a/b.rs", "a/b/b.rs", "c/mod.rs", "c/d.rs", "e/f.rs", "g/h.rs", "g/j.rs"];
        assert_eq!(folder.files("src/main.rs"), main.map(|file| format!("src/{file}")));
        assert_eq!(folder.files("src/bin/other.rs"), ["src/bin/other.rs", "src/bin/k.rs"]);
        assert_eq!(folder.files("src/nowhere.rs"), [""; 0]);
        let is_whole = |root: &str| Crate::read(&folder.0.join(root)).is_whole;
        assert!(is_whole("src/bin/other.rs") && !is_whole("src/main.rs"));
    }

    #[test]
    fn what_is_found_in_another_file_says_where() {
        let files = [("src/main.rs", "mod jobs;"), ("src/jobs.rs", "fn f() {\n    tokio::spawn(g());\n}\n")];
        let folder = Folder::with("places", &files);
        let mut errors = Errors::default();
        Crate::read(&folder.0.join("src/main.rs")).audit(&mut errors);
        let said = errors.into_token_stream().to_string();
        assert_eq!(said.matches("compile_error").count(), 1, "{said}");
        assert!(said.contains("src/jobs.rs:2:5: nobody waits"), "{said}");
    }
}
