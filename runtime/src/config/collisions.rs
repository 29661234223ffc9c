//! Variables that two fields would read, found by the compiler.
//!
//! What `#[config(env)]` sees of a struct, it checks itself; the names of nested structs are known here. Everything is
//! `#[track_caller]`, so that the compiler points at the user's struct, and at nothing of ours.

use super::{
    Config, Settings,
    table::{Part, Variable},
};

/// More are not looked at; that two read one variable is told when the process starts, too.
const MOST: usize = 256;
const LONGEST: usize = 128;

/// A variable under its whole name, as bytes that a constant can be made of.
#[derive(Clone, Copy)]
struct Name {
    bytes: [u8; LONGEST],
    length: usize,
    /// The line of the struct's table that it is of.
    line: usize,
    nested: Nested,
}

#[derive(Clone, Copy)]
enum Nested {
    Not,
    /// Under the names that it has there, which have been checked there.
    AsItIs,
    BehindPrefix,
}

struct Names {
    all: [Name; MOST],
    count: usize,
}

/// Fails to compile where a nested configuration has a variable of another field, or of the runtime.
#[track_caller]
pub(crate) const fn check<C: Config>() {
    let variables = C::VARIABLES;
    let mut names = Names { all: [Name::EMPTY; MOST], count: 0 };
    let mut line = 0;
    while line < variables.len() {
        let nested = match variables[line].part {
            Part::Field(_) => Nested::Not,
            Part::Nested(_) if variables[line].name.is_empty() => Nested::AsItIs,
            Part::Nested(_) => Nested::BehindPrefix,
        };
        names.add(&variables[line], Name { line, nested, ..Name::EMPTY });
        line += 1;
    }
    let mut at = 0;
    while at < names.count {
        names.check_settings(at);
        names.check_others(at);
        at += 1;
    }
}

impl Names {
    const fn add(&mut self, variable: &Variable, prefix: Name) {
        let name = prefix.with(variable.name.as_bytes());
        match &variable.part {
            Part::Field(_) if self.count < MOST && name.length < LONGEST => {
                self.all[self.count] = name;
                self.count += 1;
            }
            Part::Field(_) => {}
            Part::Nested(nested) => {
                let mut line = 0;
                while line < nested.variables.len() {
                    self.add(&nested.variables[line], name);
                    line += 1;
                }
            }
        }
    }

    #[track_caller]
    const fn check_settings(&self, at: usize) {
        let name = &self.all[at];
        if !matches!(name.nested, Nested::BehindPrefix) {
            return;
        }
        let settings = Settings::VARIABLES;
        let mut line = 0;
        while line <= settings.len() {
            let setting = if line < settings.len() { settings[line].name } else { "RUST_LOG" };
            let setting = Name::EMPTY.with(setting.as_bytes());
            if name.is(&setting) {
                name.refuse(" is a setting of the runtime, and of a nested struct");
            }
            if name.is_file_of(&setting) {
                name.refuse(" is the file of a setting of the runtime, and of a nested struct");
            }
            line += 1;
        }
    }

    #[track_caller]
    const fn check_others(&self, at: usize) {
        let name = &self.all[at];
        let mut before = 0;
        while before < at {
            let other = &self.all[before];
            before += 1;
            if other.line == name.line || matches!((name.nested, other.nested), (Nested::Not, Nested::Not)) {
                continue;
            }
            if name.is(other) {
                name.refuse(" is read by two fields, one of them in a nested struct");
            }
            if name.is_file_of(other) {
                name.refuse(" is a variable, and the file that another is read from");
            }
            if other.is_file_of(name) {
                other.refuse(" is a variable, and the file that another is read from");
            }
        }
    }
}

impl Name {
    const EMPTY: Self = Self { bytes: [0; LONGEST], length: 0, line: 0, nested: Nested::Not };

    const fn with(mut self, text: &[u8]) -> Self {
        let mut at = 0;
        while at < text.len() && self.length < LONGEST {
            self.bytes[self.length] = text[at];
            self.length += 1;
            at += 1;
        }
        self
    }

    const fn is(&self, other: &Self) -> bool {
        if self.length != other.length {
            return false;
        }
        // From the end: names of one configuration begin alike.
        let mut at = self.length;
        while at > 0 {
            at -= 1;
            if self.bytes[at] != other.bytes[at] {
                return false;
            }
        }
        true
    }

    const fn is_file_of(&self, other: &Self) -> bool {
        self.length == other.length + 5 && self.is(&other.with(b"_FILE"))
    }

    /// Ends the compilation with what is wrong.
    #[track_caller]
    const fn refuse(&self, what: &str) -> ! {
        let mut text = Text { bytes: [0; TEXT], length: 0 };
        text.push(b"`");
        text.push(self.bytes.split_at(self.length).0);
        text.push(b"`");
        text.push(what.as_bytes());
        text.push(b"\nhelp: give one another name, `env = \"..\"`, or the nested struct a prefix:");
        text.push(b"\n      `#[config(flatten, env = \"..\")]`");
        match std::str::from_utf8(text.bytes.split_at(text.length).0) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("two fields read one variable"),
        }
    }
}

/// What the compiler says.
struct Text {
    bytes: [u8; TEXT],
    length: usize,
}

const TEXT: usize = 512;

impl Text {
    const fn push(&mut self, text: &[u8]) {
        let mut at = 0;
        while at < text.len() && self.length < TEXT {
            self.bytes[self.length] = text[at];
            self.length += 1;
            at += 1;
        }
    }
}
