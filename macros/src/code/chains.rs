//! Where an expression goes on, and what a `let` binds.

use std::ops::Range;

use super::{Code, Kind, paths::types_end};

/// What goes on with a value: `.name`, `.name(..)`, `?`, `[..]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Its name, or its mark or bracket.
    pub(crate) at: usize,
    /// The bracket before its arguments.
    pub(crate) arguments: Option<usize>,
    /// The token after it.
    pub(crate) end: usize,
}

/// A `let`, also that of an `if` or `while`.
#[derive(Debug)]
pub(crate) struct Let {
    pub(crate) at: usize,
    /// The names that it binds.
    pub(crate) names: Vec<usize>,
    /// What they are bound to.
    pub(crate) value: Range<usize>,
    /// The bracket of the block that it is the condition of.
    pub(crate) block: Option<usize>,
}

/// A `loop`, `while` or `for`.
#[derive(Debug)]
pub(crate) struct Loop {
    /// Its keyword.
    pub(crate) at: usize,
    /// The bracket of its body.
    pub(crate) open: usize,
}

impl Code {
    /// What goes on with the value that ends before a token.
    pub(crate) fn links(&self, end: usize) -> impl Iterator<Item = Link> {
        std::iter::successors(self.link(end), |link| self.link(link.end))
    }

    fn link(&self, at: usize) -> Option<Link> {
        if self.is(at, "?") {
            return Some(Link { at, arguments: None, end: at + 1 });
        }
        if self.is(at, "(") || self.is(at, "[") {
            return Some(Link { at, arguments: Some(at), end: self.after(at) });
        }
        let name = at + 1;
        if !self.is(at, ".") || !matches!(self.kind(name), Some(Kind::Word | Kind::Number)) {
            return None;
        }
        let mut end = name + 1;
        if self.is_marks(end, "::") && self.is(end + 2, "<") {
            end = types_end(self, end + 2);
        }
        let arguments = self.is(end, "(").then_some(end);
        Some(Link { at: name, arguments, end: arguments.map_or(end, |open| self.after(open)) })
    }

    /// Where a value ends that begins at a token: after `a::b(c).d()?`. It is empty where none begins.
    pub(crate) fn chain(&self, start: usize) -> Range<usize> {
        let mut end = start;
        match self.kind(start) {
            Some(Kind::Word) => {
                end += 1;
                while self.is_marks(end, "::") {
                    end = if self.is(end + 2, "<") { types_end(self, end + 2) } else { end + 3 };
                }
                if self.is(end, "!") && self.kind(end + 1) == Some(Kind::Open) {
                    end = self.after(end + 1);
                }
            }
            Some(Kind::Text | Kind::Number) => end += 1,
            Some(Kind::Open) if !self.is(start, "{") => end = self.after(start),
            _ => return start..start,
        }
        start..self.links(end).last().map_or(end, |link| link.end)
    }

    /// The bracket of the block that belongs to the keyword before a token.
    pub(crate) fn block_after(&self, mut at: usize) -> Option<usize> {
        while at < self.len() && self.kind(at) != Some(Kind::Close) && !self.is(at, ";") {
            if self.is(at, "{") {
                return Some(at);
            }
            at = self.after(at);
        }
        None
    }

    /// Where the block ends that a token stands in: what a `let` there binds is seen no further.
    pub(crate) fn block_end(&self, at: usize) -> usize {
        self.around(at).next().map_or(self.len(), |open| self.partner(open))
    }

    /// Every `let`.
    pub(crate) fn lets(&self) -> impl Iterator<Item = Let> {
        self.each_word("let").filter_map(|at| self.let_at(at))
    }

    fn let_at(&self, at: usize) -> Option<Let> {
        let mut pattern = at + 1..at + 1;
        let mut equals = at + 1;
        while !self.is_assignment(equals) {
            if equals >= self.len() || self.is(equals, ";") || self.kind(equals) == Some(Kind::Close) {
                return None;
            }
            // What comes after a single colon is a type.
            let is_type = self.is(equals, ":") && !self.is_marks(equals, "::");
            let is_typed = pattern.end < equals;
            equals = if self.is_marks(equals, "::") { equals + 2 } else { self.after(equals) };
            if !is_type && !is_typed {
                pattern.end = equals;
            }
        }
        let before = at.checked_sub(1);
        let is_condition = before
            .is_some_and(|before| self.is_word(before, "if") || self.is_word(before, "while") || self.is(before, "&"));
        let start = equals + 1;
        let (end, block) = if is_condition {
            let block = self.block_after(start)?;
            let and = (start..block).find(|at| self.is_marks(*at, "&&") && self.around(*at).eq(self.around(block)));
            (and.unwrap_or(block), Some(block))
        } else {
            (self.value_end(start), None)
        };
        let names = pattern.filter(|at| self.is_binding(*at)).collect();
        Some(Let { at, names, value: start..end, block })
    }

    fn is_assignment(&self, at: usize) -> bool {
        let before = at.saturating_sub(1);
        self.is(at, "=") && !self.is_marks(before, ".=") && !self.is_marks(at, "=>") && !self.is_marks(at, "==")
    }

    /// The `;` of a `let`, or its `else`.
    fn value_end(&self, start: usize) -> usize {
        let mut at = start;
        while at < self.len() && !self.is(at, ";") && self.kind(at) != Some(Kind::Close) {
            if self.is_word(at, "else") && !self.is(at - 1, "}") {
                break;
            }
            at = self.after(at);
        }
        at
    }

    /// Whether a word in a pattern is a new name.
    pub(crate) fn is_binding(&self, at: usize) -> bool {
        let is_name = self.word(at).is_some_and(|word| {
            word != "_"
                && word.starts_with(|first: char| first == '_' || first.is_lowercase())
                && !matches!(word, "mut" | "ref" | "box" | "true" | "false")
        });
        is_name && !self.is(at + 1, "(") && !self.is(at + 1, "{") && !self.is_marks(at + 1, "::")
    }

    /// Every loop.
    pub(crate) fn loops(&self) -> impl Iterator<Item = Loop> {
        let words = (0..self.len()).filter_map(|at| Some((at, self.word(at)?)));
        words.filter_map(|(at, word)| {
            let is_loop = match word {
                "loop" => self.is(at + 1, "{"),
                "while" => true,
                "for" => !self.is(at + 1, "<"),
                _ => false,
            };
            let is_field = at.checked_sub(1).is_some_and(|dot| self.is(dot, "."));
            (is_loop && !is_field).then(|| Some(Loop { at, open: self.block_after(at + 1)? })).flatten()
        })
    }

    /// Whether a token inside of a bracket runs at another time than what is around it: in an `async` block, a closure
    /// or a function.
    pub(crate) fn is_deferred(&self, at: usize, open: usize) -> bool {
        let before = |open: usize| open.checked_sub(1).filter(|_| self.is(open, "{"));
        self.around(at).take_while(|around| *around > open).filter_map(before).any(|before| {
            let is_plain = ["{", "}", ";"].iter().any(|mark| self.is(before, mark));
            let is_later = ["async", "move"].iter().any(|word| self.is_word(before, word)) || self.is(before, "|");
            is_later || !is_plain && self.has_word(self.statement(before).start..before, &["fn"])
        })
    }

    /// Where the tokens from one on wait for others: each `.await`, and macros that await.
    pub(crate) fn waits(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        let macros = self.macros(&["select", "join", "try_join"]).map(|path| path.tokens.start);
        let macros = macros.filter({
            let range = range.clone();
            move |at| range.contains(at)
        });
        self.awaits(range).chain(macros)
    }
}
