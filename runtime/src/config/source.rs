//! Where texts come from: figment's layers, from the defaults up to the files that variables name.

use std::{
    cell::Cell,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use figment::{
    Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::{
    Environment,
    report::{Problem, quote},
    table::{Fallback, Row, Table},
};
use crate::sorted::Sorted;

/// The largest file that is read for a variable.
const LARGEST_FILE: u64 = 1024 * 1024;

const IN_THE_CODE: &str = "the default in the code";

/// The texts that were found, with where each is from.
pub(super) struct Sources {
    figment: Figment,
    texts: Dict,
    problems: Sorted<Problem>,
    empty_files: Sorted<String>,
    /// The files that texts were read from, by variable.
    files: Sorted<PathBuf>,
}

/// The text of one variable.
pub(super) struct Found<'a> {
    pub(super) text: &'a str,
    /// Where it is from, as a person is told.
    pub(super) place: String,
    /// Whether it is the default in the code, which nobody who deploys the service can fix.
    pub(super) in_the_code: bool,
    /// The file that it was read from, if it was.
    pub(super) file: Option<&'a Path>,
}

/// One layer: texts that come from the same place.
struct Layer {
    metadata: Metadata,
    /// Asked for once.
    texts: Cell<Dict>,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.texts.take()))
    }
}

impl Layer {
    fn new<'a>(metadata: Metadata, texts: &mut dyn Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut layer = Self { metadata, texts: Cell::default() };
        for (name, text) in texts {
            // As text, whatever it looks like: figment's own provider makes a number of `GREETING=123`.
            layer.texts.get_mut().insert(name.to_owned(), Value::from(text));
        }
        layer
    }
}

// === impl Sources ===

impl Sources {
    /// Reads what the table asks for. `computed` are defaults that depend on where the process runs.
    pub(super) fn read(table: &Table, environment: &Environment, computed: &[(&str, &str)]) -> Self {
        let mut defaults = table.rows.iter().filter_map(|row| match row.default {
            Fallback::Text(text) => Some((row.name.as_str(), text)),
            Fallback::None | Fallback::Value(_) => None,
        });
        let mut variables = table.rows.iter().filter_map(|row| Some((row.name.as_str(), environment.text(&row.name)?)));
        let from_variables = Metadata::named("environment variable")
            .interpolater(|_, names| format!("the environment variable `{}`", names.join(".")));
        let mut sources = Self {
            figment: Figment::new()
                .merge(Layer::new(Metadata::named(IN_THE_CODE), &mut defaults))
                .merge(Layer::new(Metadata::named("the default"), &mut computed.iter().copied()))
                .merge(Layer::new(from_variables, &mut variables)),
            texts: Dict::new(),
            problems: Sorted::new(),
            empty_files: Sorted::new(),
            files: Sorted::new(),
        };
        for row in &table.rows {
            if let Err(problem) = sources.read_file(table, row, environment) {
                sources.problems.insert(row.name.clone(), problem);
            }
        }
        let profiles = sources.figment.data().unwrap_or_default();
        let texts = profiles.into_iter().find_map(|(profile, texts)| (profile == Profile::Default).then_some(texts));
        sources.texts = texts.unwrap_or_default();
        sources
    }

    /// Reads the file that `NAME_FILE` names, and checks that `NAME` itself can be read.
    fn read_file(&mut self, table: &Table, row: &Row, environment: &Environment) -> Result<(), Problem> {
        let name = &row.name;
        if environment.has(name) && environment.text(name).is_none() {
            return Err(Problem::new(format!("`{name}` is not Unicode text"))
                .about(row.about)
                .expected(expected(row))
                .read_from(format!("the environment variable `{name}`"))
                .help("remove the bytes that are not UTF-8"));
        }
        let Some(file) = table.file_variable(row) else {
            return Ok(());
        };
        if !environment.has(&file) {
            return Ok(());
        }
        if environment.has(name) {
            return Err(Problem::new(format!("`{name}` and `{file}` are both set"))
                .about(row.about)
                .help("unset one of them, because it is unclear which is meant"));
        }
        let problem = |title: String| Problem::new(title).about(row.about).expected(expected(row));
        let Some(path) = environment.text(&file) else {
            return Err(problem(format!("`{file}` is not Unicode text"))
                .read_from(format!("the environment variable `{file}`")));
        };
        // Somebody put the secret itself where the path of its file should be.
        let hidden = row.shape.secret && (!path.starts_with('/') || path.contains("://"));
        let shown = match hidden {
            true => {
                format!("the file that `{file}` names (not shown: it may be the secret itself)")
            }
            false => format!("the file {} that `{file}` names", quote(path)),
        };
        let text = match read(Path::new(path)) {
            Ok(text) => text,
            Err(error) => {
                let problem =
                    problem(format!("`{name}` can't be read: {}", error.title)).read_from(shown).help(error.help);
                return Err(match hidden {
                    true => problem.help(format!("write an absolute path; if the value itself is meant, set `{name}`")),
                    false => problem,
                });
            }
        };
        if text.is_empty() {
            self.empty_files.insert(name.clone(), shown);
            return Ok(());
        }
        let layer = Layer::new(Metadata::named(shown), &mut [(name.as_str(), text.as_str())].into_iter());
        self.figment = std::mem::take(&mut self.figment).merge(layer);
        self.files.insert(name.clone(), path.into());
        Ok(())
    }

    /// The text of a variable: what it is set to, else its default's.
    pub(super) fn find(&self, row: &Row) -> Option<Found<'_>> {
        let value = self.texts.get(&row.name)?;
        let metadata = self.figment.get_metadata(value.tag())?;
        let in_the_code = metadata.name == IN_THE_CODE;
        let place = match metadata.name.as_ref() {
            "environment variable" => metadata.interpolate(&Profile::Default, &[&row.name]),
            place => place.to_owned(),
        };
        let file = self.files.get(&row.name).map(PathBuf::as_path);
        Some(Found { text: value.as_str()?, place, in_the_code, file })
    }

    /// Takes what is wrong with the variable or its file, rather than with its text.
    pub(super) fn take_problem(&mut self, row: &Row) -> Option<Problem> {
        self.problems.remove(&row.name)
    }

    /// The file that was read for the variable and has nothing in it.
    pub(super) fn empty_file(&self, row: &Row) -> Option<&str> {
        self.empty_files.get(&row.name).map(String::as_str)
    }
}

/// What is expected of a variable, and that it is a secret where it is one.
pub(super) fn expected(row: &Row) -> String {
    match row.shape.secret {
        true => format!("{} (a secret, which is not shown)", row.shape.kind.with_article()),
        false => row.shape.kind.with_article(),
    }
}

pub(super) struct Unreadable {
    pub(super) title: String,
    help: &'static str,
}

/// Reads a file's text without the line break at its end.
pub(super) fn read(path: &Path) -> Result<String, Unreadable> {
    let unreadable = |title: &str, help| Unreadable { title: title.to_owned(), help };
    // Asked before it is opened: opening a pipe waits for its other end, for ever.
    let metadata = fs::metadata(path).map_err(|error| because(&error))?;
    if metadata.is_dir() {
        return Err(unreadable(
            "what should be its file is a directory",
            "name the file in it; Kubernetes mounts each key of a Secret as one file",
        ));
    }
    if !metadata.is_file() {
        return Err(unreadable("what should be its file is a device, a pipe or a socket", "name a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| because(&error))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(unreadable("its file is larger than 1 MiB", "check that the path is the right one"));
    }
    let mut text = String::from_utf8(bytes)
        .map_err(|_| unreadable("its file is not UTF-8 text", "check that the path is the right one"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    match text.contains('\0') {
        true => Err(unreadable("its file is not text", "check that the path is the right one")),
        false => Ok(text),
    }
}

fn because(error: &io::Error) -> Unreadable {
    let (title, help) = match error.kind() {
        io::ErrorKind::NotFound => {
            ("its file does not exist", "check the path, and that the Secret or ConfigMap is mounted there")
        }
        io::ErrorKind::PermissionDenied => (
            "its file may not be read by this process",
            "check the mount's `defaultMode`, and `runAsUser` and `fsGroup` of the pod",
        ),
        _ => {
            return Unreadable {
                title: format!("its file gives an error ({error})"),
                help: "check the path, and what is mounted there",
            };
        }
    };
    Unreadable { title: title.to_owned(), help }
}

#[cfg(test)]
#[path = "tests/source.rs"]
mod tests;
