use std::{
    ffi::OsString,
    fs::DirBuilder,
    os::unix::{ffi::OsStringExt, net::UnixListener},
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use super::*;
use crate::{
    Secret,
    config::{self, Config, Values, Variable},
};

struct Text(String);

impl Config for Text {
    const VARIABLES: &'static [Variable] = &[Variable::new::<String>("TEXT", "What it says.")];

    fn build(values: &mut Values) -> Self {
        Self(values.take("TEXT"))
    }
}

struct Token(Secret<String>);

impl Config for Token {
    const VARIABLES: &'static [Variable] = &[Variable::new::<Secret<String>>("TOKEN", "Who we are.")];

    fn build(values: &mut Values) -> Self {
        Self(values.take("TOKEN"))
    }
}

/// A directory of one test, removed when it ends.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("seaworthy-{}-{number}", std::process::id()));
        DirBuilder::new().create(&path).unwrap();
        Self(path)
    }

    fn file(&self, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join("file");
        fs::write(&path, content).unwrap();
        path.into_os_string().into_string().unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn text(variables: &[(&str, &str)]) -> Result<String, String> {
    let environment: Environment = variables.iter().copied().collect();
    config::read::<Text>(&environment).map(|config| config.0).map_err(|report| report.to_string())
}

#[track_caller]
fn refused(path: &str, title: &str) {
    let report = text(&[("TEXT_FILE", path)]).unwrap_err();
    assert!(report.contains(&format!("`TEXT` can't be read: {title}\n")), "{report}");
    assert!(report.contains(&format!("read from  the file `{path}` that `TEXT_FILE` names")), "{report}");
    assert!(report.contains("What it says."), "{report}");
}

#[test]
fn what_looks_like_a_number_stays_text() {
    for value in ["123", "true", "[1, 2]", "{a=1}", "\"quoted\"", " x "] {
        assert_eq!(text(&[("TEXT", value)]).unwrap(), value);
    }
}

#[test]
fn a_file_is_read_without_its_last_line_break() {
    let directory = Directory::new();
    for (content, expected) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a "), ("é", "é")] {
        let path = directory.file(content);
        assert_eq!(text(&[("TEXT_FILE", &path)]).unwrap(), expected);
        assert_eq!(text(&[("TEXT", ""), ("TEXT_FILE", &path)]).unwrap(), expected);
        assert_eq!(text(&[("TEXT", "b"), ("TEXT_FILE", "")]).unwrap(), "b");
    }
}

#[test]
fn a_file_that_is_empty_is_not_set() {
    let directory = Directory::new();
    let report = text(&[("TEXT_FILE", &directory.file("\n"))]).unwrap_err();
    assert!(report.contains("`TEXT` is not set"), "{report}");
    assert!(report.contains("that `TEXT_FILE` names is empty"), "{report}");
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let directory = Directory::new();
    refused("/nowhere/at/all", "its file does not exist");
    refused(directory.0.to_str().unwrap(), "what should be its file is a directory");
    refused(&directory.file([0xff, 0xfe]), "its file is not UTF-8 text");
    refused(&directory.file("a\0b"), "its file is not text");
    refused(&directory.file(vec![b'x'; 1024 * 1024 + 1]), "its file is larger than 1 MiB");
    refused("/dev/zero", "what should be its file is a device, a pipe or a socket");
    let socket = directory.0.join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    refused(socket.to_str().unwrap(), "what should be its file is a device, a pipe or a socket");
    assert!(text(&[("TEXT_FILE", &directory.file(vec![b'x'; 1024 * 1024]))]).is_ok());
}

#[test]
fn a_variable_and_its_file_are_not_both_set() {
    let report = text(&[("TEXT", "a"), ("TEXT_FILE", "/nowhere")]).unwrap_err();
    assert!(report.contains("`TEXT` and `TEXT_FILE` are both set"), "{report}");
    assert!(report.contains("1 problem."), "{report}");
}

#[test]
fn a_variable_that_is_not_unicode_is_refused() {
    for name in ["TEXT", "TEXT_FILE"] {
        let environment: Environment = [(name, OsString::from_vec(vec![b'a', 0xff]))].into_iter().collect();
        let report = config::read::<Text>(&environment).err().unwrap().to_string();
        assert!(report.contains(&format!("`{name}` is not Unicode text")), "{report}");
    }
}

#[test]
fn a_secret_in_the_place_of_its_path_is_not_shown() {
    for mistake in ["hunter2", "/hunter2://x", "redis://:hunter2@cache"] {
        let environment = Environment::from_iter([("TOKEN_FILE", mistake)]);
        let report = config::read::<Token>(&environment).err().unwrap().to_string();
        assert!(!report.contains("hunter2"), "{report}");
        assert!(report.contains("if the value itself is meant, set `TOKEN`"), "{report}");
    }
}

#[test]
fn a_mounted_secret_is_read() {
    let directory = Directory::new();
    let environment = Environment::from_iter([("TOKEN_FILE", directory.file("hunter2\n"))]);
    let token = config::read::<Token>(&environment).unwrap();
    assert_eq!(token.0.expose(), "hunter2");
}
