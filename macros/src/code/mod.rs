//! Code as rules look at it: tokens in a row, with what each name stands for.
//!
//! An annotated function and a source file read the same. Tokens rather than a syntax tree: what stands in the
//! parentheses of a macro is seen as well, what is half typed too, and ten thousand lines are read in milliseconds by a
//! macro that was not optimized. Rules ask for what they look for (calls of a path, of a method) and are told of no name
//! that is not certain: an imported one is resolved, others stay as they are written.

mod chains;
mod file;
mod imports;
mod lexer;
mod paths;
#[cfg(test)]
mod tests;

use std::{cell::OnceCell, ops::Range, path::Path as FilePath, rc::Rc};

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};

#[cfg(test)]
pub(crate) use self::file::within;
pub(crate) use self::{
    chains::{Link, Loop},
    file::{File, Module},
    paths::{Method, Path},
};
use self::{imports::Imports, paths::Paths};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword; a raw one without its `r#`.
    Word,
    Lifetime,
    /// A string, of any sort.
    Text,
    /// Another literal: a number, a character.
    Number,
    /// One character of punctuation.
    Mark,
    Open,
    Close,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    kind: Kind,
    /// Where it stands in the text.
    start: u32,
    end: u32,
    /// The bracket that closes or opens it; of others itself.
    partner: u32,
    /// The bracket that it stands in; [`OUTSIDE`] where there is none.
    parent: u32,
}

const OUTSIDE: u32 = u32::MAX;

/// How a comment begins that speaks to us.
const NOTE: &str = "// seaworthy:";

/// Tokens in a row.
pub(crate) struct Code {
    text: String,
    tokens: Vec<Token>,
    /// Where each token stands for the compiler; of a file none.
    spans: Vec<Span>,
    /// The path of a file as the compiler has it.
    file: Option<Rc<FilePath>>,
    /// The file that an annotated function stands in, and where.
    around: Option<(Rc<File>, usize)>,
    /// Where the comments are that begin with [`NOTE`].
    notes: Vec<usize>,
    lines: OnceCell<Vec<usize>>,
    imports: OnceCell<Imports>,
    paths: OnceCell<Paths>,
    methods: OnceCell<Vec<Method>>,
}

/// A place that a rule speaks of.
#[derive(Clone, Debug)]
pub(crate) enum At {
    /// The first and the last token.
    Tokens(Span, Span),
    /// Of another file: its path, and line and column from 1.
    File { path: Rc<FilePath>, line: usize, column: usize },
}

impl Code {
    /// The code of tokens.
    pub(crate) fn of_tokens(tokens: TokenStream) -> Self {
        let mut code = Self::new(String::new(), None);
        let mut open = Vec::new();
        code.push_all(tokens, &mut open);
        code
    }

    /// The code of an annotated function. The file around it says what is imported there.
    pub(crate) fn of_function(tokens: TokenStream, name: &Ident) -> Self {
        let around = File::around(name);
        Self { around, ..Self::of_tokens(tokens) }
    }

    /// Whether an annotated function is compiled for tests only.
    pub(crate) fn is_of_tests(&self) -> bool {
        self.around.as_ref().is_some_and(|(file, at)| file.is_test(*at))
    }

    /// The code of a file; `None` where a bracket is missing.
    pub(crate) fn of_file(text: String, path: Rc<FilePath>) -> Option<Self> {
        let (tokens, notes) = lexer::tokens(&text)?;
        Some(Self { tokens, notes, ..Self::new(text, Some(path)) })
    }

    fn new(text: String, file: Option<Rc<FilePath>>) -> Self {
        Self {
            text,
            tokens: Vec::new(),
            spans: Vec::new(),
            file,
            around: None,
            notes: Vec::new(),
            lines: OnceCell::new(),
            imports: OnceCell::new(),
            paths: OnceCell::new(),
            methods: OnceCell::new(),
        }
    }

    fn push_all(&mut self, tokens: TokenStream, open: &mut Vec<u32>) {
        let mut lifetime = None;
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    let (opening, closing) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => {
                            self.push_all(group.stream(), open);
                            continue;
                        }
                    };
                    let first = self.push(Kind::Open, opening, group.span_open(), open);
                    open.push(first);
                    self.push_all(group.stream(), open);
                    open.pop();
                    let last = self.push(Kind::Close, closing, group.span_close(), open);
                    self.pair(first, last);
                }
                TokenTree::Ident(ident) if lifetime.take().is_some() => {
                    self.push(Kind::Lifetime, &format!("'{ident}"), ident.span(), open);
                }
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    self.push(Kind::Word, name.strip_prefix("r#").unwrap_or(&name), ident.span(), open);
                    self.text.push(' ');
                }
                TokenTree::Punct(mark) if mark.as_char() == '\'' => lifetime = Some(()),
                TokenTree::Punct(mark) => {
                    self.push(Kind::Mark, mark.as_char().encode_utf8(&mut [0; 4]), mark.span(), open);
                    if mark.spacing() == proc_macro2::Spacing::Alone {
                        self.text.push(' ');
                    }
                }
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    let kind = if text.ends_with(['"', '#']) { Kind::Text } else { Kind::Number };
                    self.push(kind, &text, literal.span(), open);
                    self.text.push(' ');
                }
            }
        }
    }

    fn push(&mut self, kind: Kind, text: &str, span: Span, open: &[u32]) -> u32 {
        let index = u32::try_from(self.tokens.len()).unwrap_or(OUTSIDE);
        let start = u32::try_from(self.text.len()).unwrap_or(OUTSIDE);
        self.text.push_str(text);
        let end = u32::try_from(self.text.len()).unwrap_or(OUTSIDE);
        let parent = open.last().copied().unwrap_or(OUTSIDE);
        self.tokens.push(Token { kind, start, end, partner: index, parent });
        self.spans.push(span);
        index
    }

    fn pair(&mut self, first: u32, last: u32) {
        for (one, other) in [(first, last), (last, first)] {
            if let Some(token) = self.tokens.get_mut(one as usize) {
                token.partner = other;
            }
        }
    }

    // === Tokens ===

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// What a token is; `None` past the end.
    pub(crate) fn kind(&self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// A token as it is written; `""` past the end.
    pub(crate) fn text(&self, index: usize) -> &str {
        let token = self.tokens.get(index);
        token.and_then(|token| self.text.get(token.start as usize..token.end as usize)).unwrap_or_default()
    }

    /// The name or keyword there.
    pub(crate) fn word(&self, index: usize) -> Option<&str> {
        (self.kind(index) == Some(Kind::Word)).then(|| self.text(index))
    }

    /// Whether this word stands there.
    pub(crate) fn is_word(&self, index: usize, word: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.kind == Kind::Word && self.bytes(*token) == word.as_bytes())
    }

    /// Where a word stands.
    pub(crate) fn each_word<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> {
        self.each_of_length(word.len()).filter(move |at| self.text(*at) == word)
    }

    /// Where the words of a length are.
    fn each_of_length(&self, length: usize) -> impl Iterator<Item = usize> {
        let is_it = move |token: &Token| token.kind == Kind::Word && (token.end - token.start) as usize == length;
        self.tokens.iter().enumerate().filter(move |(_, token)| is_it(token)).map(|(index, _)| index)
    }

    /// Where a mark of one character, or a bracket, stands.
    pub(crate) fn each_mark(&self, mark: u8) -> impl Iterator<Item = usize> {
        let text = self.text.as_bytes();
        let is_it = move |token: &Token| {
            matches!(token.kind, Kind::Mark | Kind::Open | Kind::Close) && text.get(token.start as usize) == Some(&mark)
        };
        self.tokens.iter().enumerate().filter(move |(_, token)| is_it(token)).map(|(index, _)| index)
    }

    /// Whether this mark or bracket stands there: `";"`, `"{"`. Several marks, such as `"=>"`, are several tokens.
    pub(crate) fn is(&self, index: usize, mark: &str) -> bool {
        let Some(token) = self.tokens.get(index) else {
            return false;
        };
        matches!(token.kind, Kind::Mark | Kind::Open | Kind::Close) && self.bytes(*token) == mark.as_bytes()
    }

    /// Whether these marks stand there without space between them: `"::"`, `"=>"`.
    pub(crate) fn is_marks(&self, index: usize, marks: &str) -> bool {
        if !self.tokens.get(index).is_some_and(|token| token.kind == Kind::Mark) {
            return false;
        }
        let whole = self.tokens.get(index).zip(self.tokens.get(index + marks.len() - 1));
        whole.is_some_and(|(first, last)| self.bytes(Token { end: last.end, ..*first }) == marks.as_bytes())
    }

    fn bytes(&self, token: Token) -> &[u8] {
        self.text.as_bytes().get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// What is in the quotes of a text; escapes stay as they are written.
    pub(crate) fn string(&self, index: usize) -> Option<&str> {
        if self.kind(index) != Some(Kind::Text) {
            return None;
        }
        let (_, text) = self.text(index).split_once('"')?;
        text.rsplit_once('"').map(|(text, _)| text)
    }

    /// The bracket that belongs to the one there.
    pub(crate) fn partner(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(index, |token| token.partner as usize)
    }

    /// The brackets around a token that open, the innermost first.
    pub(crate) fn around(&self, index: usize) -> impl Iterator<Item = usize> {
        let parent =
            |index: usize| self.tokens.get(index).map(|token| token.parent).filter(|parent| *parent != OUTSIDE);
        std::iter::successors(parent(index), move |index| parent(*index as usize)).map(|index| index as usize)
    }

    /// The tokens between a bracket that opens and its partner.
    pub(crate) fn inside(&self, open: usize) -> Range<usize> {
        open + 1..self.partner(open).max(open + 1)
    }

    /// The token after this one and its brackets.
    pub(crate) fn after(&self, index: usize) -> usize {
        if self.kind(index) == Some(Kind::Open) { self.partner(index) + 1 } else { index + 1 }
    }

    /// What commas separate, such as the arguments of a call.
    pub(crate) fn parts(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut start, mut at) = (range.start, range.start);
        while at < range.end {
            if self.is(at, ",") {
                parts.push(start..at);
                start = at + 1;
            }
            at = self.after(at);
        }
        parts.push(start..range.end);
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// The statement that a token stands in, without its `;`: from the last `;`, `{` or `}` beside it to the next.
    pub(crate) fn statement(&self, index: usize) -> Range<usize> {
        let open = self.around(index).find(|open| self.is(*open, "{"));
        let (from, to) = open.map_or((0, self.len()), |open| (open + 1, self.partner(open)));
        let mut start = from;
        let mut at = from;
        while at < to {
            let next = self.after(at);
            if self.is(at, ";") {
                if index <= at {
                    return start..at;
                }
                start = next;
            } else if self.is(at, "{") && self.ends_statement(next, to) {
                if index < next {
                    return start..next;
                }
                start = next;
            }
            at = next;
        }
        start..to
    }

    /// Whether a block before this token was a statement: nothing goes on with its value.
    fn ends_statement(&self, next: usize, end: usize) -> bool {
        next >= end
            || matches!(self.kind(next), Some(Kind::Word) if !matches!(self.text(next), "else" | "as"))
            || self.is(next, "{")
            || self.is(next, "#")
    }

    /// Whether one of these words is among the tokens.
    pub(crate) fn has_word(&self, range: Range<usize>, words: &[&str]) -> bool {
        range.into_iter().any(|index| self.word(index).is_some_and(|word| words.contains(&word)))
    }

    /// Where `.await` stands in the range: the index of `await`.
    pub(crate) fn awaits(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        range.filter(|index| self.is_word(*index, "await") && index.checked_sub(1).is_some_and(|dot| self.is(dot, ".")))
    }

    /// The body of the function that this code is: its last brackets.
    pub(crate) fn body(&self) -> Range<usize> {
        let last = self.len().saturating_sub(1);
        if self.is(last, "}") { self.inside(self.partner(last)) } else { 0..0 }
    }

    // === Names ===

    /// Every path that is used, but those in `use`. A single name is one where it was imported, or is a macro's.
    pub(crate) fn paths(&self) -> &[Path] {
        &self.all_paths().in_order
    }

    fn all_paths(&self) -> &Paths {
        self.paths.get_or_init(|| Paths::of(self))
    }

    /// Every call of a method.
    pub(crate) fn methods(&self) -> &[Method] {
        self.methods.get_or_init(|| paths::methods(self))
    }

    /// The calls of functions by these paths. One that ends with `*` stands for all that begin so.
    pub(crate) fn calls<'a>(&'a self, paths: &'a [&str]) -> impl Iterator<Item = &'a Path> {
        self.all_paths().of_crates(paths).into_iter().filter(|path| path.is_call() && path.is_one_of(paths))
    }

    /// The uses of functions by these paths: calls, and where one is a value, as in `map(std::env::var)`.
    pub(crate) fn functions<'a>(&'a self, paths: &'a [&str]) -> impl Iterator<Item = &'a Path> {
        // A single name that is no call may be a variable's.
        let is_used = |path: &&Path| path.is_call() || (!path.is_macro() && path.tokens.len() > 1);
        self.paths().iter().filter(is_used).filter(|path| path.is_one_of(paths))
    }

    /// The calls of macros by these names, or by paths that end with them.
    pub(crate) fn macros<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Path> {
        self.paths().iter().filter(|path| path.is_macro() && names.contains(&path.last_name()))
    }

    /// The calls of methods by these names.
    pub(crate) fn methods_named<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Method> {
        self.methods().iter().filter(|method| names.contains(&self.text(method.name)))
    }

    /// Whether a token is given to a call of one of these: `spawn_blocking(|| ..)`.
    pub(crate) fn is_given_to(&self, index: usize, paths: &[&str]) -> bool {
        let holds = |open: usize| open <= index && index < self.partner(open);
        self.calls(paths).any(|path| path.arguments().is_some_and(holds))
    }

    fn imports(&self) -> &Imports {
        self.imports.get_or_init(|| Imports::of(self))
    }

    // === Places ===

    /// The place of the tokens from `first` to `last`, both included.
    pub(crate) fn at(&self, first: usize, last: usize) -> At {
        if let Some(path) = &self.file {
            let start = self.tokens.get(first).map_or(0, |token| token.start as usize);
            let before = self.text.get(..start).unwrap_or_default();
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            let line = self.line(first);
            return At::File { path: path.clone(), line, column };
        }
        let span = |index: usize| self.spans.get(index).copied().unwrap_or_else(Span::call_site);
        At::Tokens(span(first), span(last))
    }
}
