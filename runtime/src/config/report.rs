//! What a person reads when the configuration is invalid: all of it, so that nobody has to read code at night.

use std::fmt;

/// The width that reports and tables are wrapped at, in characters.
pub(super) const WIDTH: usize = 100;

/// The longest part of a value that is quoted, in characters.
const LONGEST_QUOTE: usize = 80;

/// Every problem of a configuration, as text for the person who started the process.
///
/// [`Display`](fmt::Display) prints all of it over several lines: each variable, what it is for, what was expected,
/// what was found and where, and what to write. The value of a [`Secret`](crate::Secret) is never in it.
#[derive(Default)]
pub struct Report {
    problems: Vec<Problem>,
    notes: Vec<String>,
}

/// One problem: a sentence about a variable, and what one needs to know to fix it.
pub(crate) struct Problem {
    title: String,
    about: String,
    lines: Vec<(&'static str, String)>,
}

// === impl Problem ===

impl Problem {
    /// Starts a problem. The title says which variable is meant and what is wrong with it.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), about: String::new(), lines: Vec::new() }
    }

    /// What the variable is for.
    pub(crate) fn about(mut self, about: &str) -> Self {
        self.about = first_paragraph(about);
        self
    }

    pub(crate) fn expected(self, expected: impl Into<String>) -> Self {
        self.line("expected", expected)
    }

    /// What is there instead. The caller [quotes](quote) it, and never passes a secret.
    pub(crate) fn found(self, found: impl Into<String>) -> Self {
        self.line("found", found)
    }

    pub(crate) fn read_from(self, place: impl Into<String>) -> Self {
        self.line("read from", place)
    }

    pub(crate) fn why(self, reason: impl Into<String>) -> Self {
        self.line("why", reason)
    }

    /// What to do about it.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        self.line("help", help)
    }

    fn line(mut self, label: &'static str, text: impl Into<String>) -> Self {
        self.lines.push((label, text.into()));
        self
    }
}

// === impl Report ===

impl Report {
    /// The number of problems.
    #[must_use]
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    /// Whether there is no problem, which no report that is returned is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The problems on one line, for a place that has no room for more: `/dev/termination-log`.
    #[must_use]
    pub fn summary(&self) -> String {
        let titles: Vec<&str> = self.problems.iter().map(|problem| problem.title.as_str()).collect();
        format!("invalid configuration: {}", titles.join("; "))
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Adds what is no problem, but may explain one.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => writeln!(f, "The configuration has 1 problem.")?,
            count => writeln!(f, "The configuration has {count} problems.")?,
        }
        for (index, problem) in self.problems.iter().enumerate() {
            let number = format!("{:>3}. ", index + 1);
            writeln!(f, "\n{}", wrap(&problem.title, &number, "     "))?;
            if !problem.about.is_empty() {
                writeln!(f, "{}", wrap(&problem.about, "     ", "     "))?;
            }
            for (label, text) in &problem.lines {
                let first = format!("     {label:<11}");
                writeln!(f, "{}", wrap(text, &first, &" ".repeat(16)))?;
            }
        }
        if !self.notes.is_empty() {
            writeln!(f, "\nAlso:")?;
        }
        for note in &self.notes {
            writeln!(f, "{}", wrap(note, "  - ", "    "))?;
        }
        write!(f, "\nStart with `--help` to see every variable.")
    }
}

/// The same text as [`Display`](fmt::Display), so that `unwrap` in a test shows it as it is.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Report {}

/// Wraps a text, line by line, to [`WIDTH`]. A line that is indented is an exhibit, and stays as it is.
pub(super) fn wrap(text: &str, first: &str, rest: &str) -> String {
    let mut wrapped = String::new();
    let mut line = first.to_owned();
    for (index, part) in text.lines().enumerate() {
        if index > 0 {
            wrapped.push_str(line.trim_end());
            wrapped.push('\n');
            line = rest.to_owned();
        }
        if part.starts_with(' ') {
            line.push_str(part);
            continue;
        }
        let mut empty = true;
        for word in part.split(' ') {
            if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                wrapped.push_str(line.trim_end());
                wrapped.push('\n');
                line = rest.to_owned();
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
    }
    wrapped + line.trim_end()
}

/// Quotes a value that is not a secret: on one line, not too long, without the credentials of a URL.
pub(super) fn quote(value: &str) -> String {
    let value = without_credentials(value);
    let length = value.chars().count();
    let shown = escape(value.chars().take(LONGEST_QUOTE));
    match length > LONGEST_QUOTE {
        true => format!("`{shown}` (the first {LONGEST_QUOTE} of {length} characters)"),
        false => format!("`{shown}`"),
    }
}

/// Makes a reason that may quote a value fit to be printed, like [`quote`].
pub(super) fn tame(reason: &str) -> String {
    let length = reason.chars().count();
    let limit = 3 * LONGEST_QUOTE;
    let mut text = escape(without_credentials(reason).chars().take(limit));
    if length > limit {
        text.push_str("..");
    }
    text
}

fn escape(characters: impl Iterator<Item = char>) -> String {
    characters
        .flat_map(|character| {
            let plain = !character.is_control() && !is_invisible(character);
            let escaped = (!plain).then(|| character.escape_default());
            plain.then_some(character).into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

/// Whether it changes how the text around it is shown, or can't be seen.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{a0}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

/// Replaces what stands before the `@` of a URL, and its query: whoever forgot `Secret` should not find them in the log.
fn without_credentials(value: &str) -> String {
    let scheme = value.find("://").map_or(0, |index| index + 3);
    let (scheme, rest) = value.split_at(scheme);
    let rest = match rest.rfind('@') {
        Some(at) if !scheme.is_empty() || rest[..at].contains(':') => format!("***{}", &rest[at..]),
        _ => rest.to_owned(),
    };
    match rest.find('?') {
        Some(query) if !scheme.is_empty() => format!("{scheme}{}?***", &rest[..query]),
        _ => format!("{scheme}{rest}"),
    }
}

/// The first paragraph of a doc comment, on one line.
pub(super) fn first_paragraph(about: &str) -> String {
    about
        .trim()
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_like_this() {
        let mut report = Report::default();
        report.add(
            Problem::new("`REDIS_URL` is not set")
                .about("Where sessions\nare kept.\n\nMore.")
                .expected("a URL (a secret)")
                .help("set `REDIS_URL`, or set `REDIS_URL_FILE` to the path of a file that holds it"),
        );
        report.add(
            Problem::new("`WORKERS` is not valid")
                .expected("a number from 0 to 255")
                .found(quote("many"))
                .read_from("the environment variable `WORKERS`"),
        );
        report.note("`REDIS_ULR` is set, but nothing reads it: did you mean `REDIS_URL`?".to_owned());
        assert_eq!(
            report.to_string(),
            "\
The configuration has 2 problems.

  1. `REDIS_URL` is not set
     Where sessions are kept.
     expected   a URL (a secret)
     help       set `REDIS_URL`, or set `REDIS_URL_FILE` to the path of a file that holds it

  2. `WORKERS` is not valid
     expected   a number from 0 to 255
     found      `many`
     read from  the environment variable `WORKERS`

Also:
  - `REDIS_ULR` is set, but nothing reads it: did you mean `REDIS_URL`?

Start with `--help` to see every variable."
        );
        assert_eq!(report.summary(), "invalid configuration: `REDIS_URL` is not set; `WORKERS` is not valid");
    }

    #[test]
    fn a_value_is_quoted_on_one_line_and_not_at_length() {
        assert_eq!(quote("a\nb\u{1b}[31m\u{202e}"), r"`a\nb\u{1b}[31m\u{202e}`");
        assert_eq!(quote("déjà vu"), "`déjà vu`");
        let quoted = quote(&"x".repeat(5_000));
        assert_eq!(quoted, format!("`{}` (the first 80 of 5000 characters)", "x".repeat(80)));
    }

    #[test]
    fn credentials_of_a_url_are_not_quoted() {
        for (value, expected) in [
            ("redis://user:hunter2@cache:6379/0", "`redis://***@cache:6379/0`"),
            ("redis://user:p@ss@cache", "`redis://***@cache`"),
            ("user:hunter2@cache", "`***@cache`"),
            ("https://hunter2@host", "`https://***@host`"),
            ("postgres://db?password=hunter2", "`postgres://db?***`"),
            ("me@example.com", "`me@example.com`"),
            ("what?", "`what?`"),
        ] {
            assert_eq!(quote(value), expected);
        }
    }

    #[test]
    fn long_lines_are_wrapped_and_exhibits_are_not() {
        let text = format!("{}\n  an   exhibit", "word ".repeat(40));
        let wrapped = wrap(&text, "help ", "     ");
        assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(wrapped.lines().skip(1).all(|line| line.starts_with("     ")));
        assert!(wrapped.ends_with("\n       an   exhibit"));
    }
}
