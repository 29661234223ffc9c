//! The tokens of a source file.
//!
//! The compiler's own lexer gives spans to every token and takes ten times as long.

use super::{Kind, NOTE, OUTSIDE, Token};

/// The tokens of a text, and where the comments are that speak to us; `None` where brackets don't fit or a text has no
/// end.
pub(super) fn tokens(text: &str) -> Option<(Vec<Token>, Vec<usize>)> {
    let bytes = text.as_bytes();
    let mut notes = Vec::new();
    let mut tokens: Vec<Token> = Vec::with_capacity(bytes.len() / 4);
    let mut open: Vec<usize> = Vec::new();
    let mut at = start(text);
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        let (kind, end) = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b'\x0b' | b'\x0c' => {
                at += 1;
                continue;
            }
            b'/' if next == b'/' => {
                if text.get(at..).is_some_and(|rest| rest.starts_with(NOTE)) {
                    notes.push(at);
                }
                at = line_end(text, at);
                continue;
            }
            b'/' if next == b'*' => {
                at = comment_end(bytes, at)?;
                continue;
            }
            b'"' => (Kind::Text, text_end(bytes, at + 1)?),
            b'\'' => quote(bytes, at)?,
            b'0'..=b'9' => (Kind::Number, number_end(bytes, at)),
            b'(' | b'[' | b'{' => (Kind::Open, at + 1),
            b')' | b']' | b'}' => (Kind::Close, at + 1),
            byte if is_name(byte) => word(bytes, at)?,
            _ => (Kind::Mark, at + 1),
        };
        let index = tokens.len();
        let partner = if kind == Kind::Close { open.pop()? } else { index };
        let is_raw = kind == Kind::Word && byte == b'r' && next == b'#';
        let start = if is_raw { at + 2 } else { at };
        tokens.push(Token {
            kind,
            start: u32::try_from(start).ok()?,
            end: u32::try_from(end).ok()?,
            partner: u32::try_from(partner).ok()?,
            parent: open.last().map_or(Some(OUTSIDE), |open| u32::try_from(*open).ok())?,
        });
        match kind {
            Kind::Open => open.push(index),
            Kind::Close => {
                let opening = tokens.get_mut(partner)?;
                let fits =
                    matches!((bytes.get(opening.start as usize)?, byte), (b'(', b')') | (b'[', b']') | (b'{', b'}'));
                if !fits {
                    return None;
                }
                opening.partner = u32::try_from(index).ok()?;
            }
            _ => {}
        }
        at = end;
    }
    open.is_empty().then_some((tokens, notes))
}

/// After a byte order mark and the line that names an interpreter.
fn start(text: &str) -> usize {
    let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    match text.get(at..) {
        Some(rest) if rest.starts_with("#!") && !rest.starts_with("#![") => line_end(text, at),
        _ => at,
    }
}

fn is_name(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9' | 0x80..)
}

fn name_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        if !is_name(byte) {
            break;
        }
        at += 1;
    }
    at
}

fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).and_then(|rest| rest.find('\n'));
    rest.map_or(text.len(), |length| at + length)
}

/// After a comment, and those in it.
fn comment_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
            }
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// After a text in quotes that began before.
fn text_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// After a raw text with so many `#`s, the first of which is here.
fn raw_end(bytes: &[u8], at: usize, hashes: usize) -> Option<usize> {
    let mut at = at + hashes;
    loop {
        at += 1;
        if bytes.get(at)? == &b'"' {
            let closing = bytes.get(at + 1..at + 1 + hashes)?;
            if closing.iter().all(|byte| *byte == b'#') {
                return Some(at + 1 + hashes);
            }
        }
    }
}

/// A character, or a lifetime.
fn quote(bytes: &[u8], at: usize) -> Option<(Kind, usize)> {
    if bytes.get(at + 1) == Some(&b'\\') {
        return character_end(bytes, at + 1).map(|end| (Kind::Number, end));
    }
    let end = name_end(bytes, at + 1);
    if bytes.get(end) == Some(&b'\'') && end > at + 1 {
        return Some((Kind::Number, end + 1));
    }
    if end > at + 1 {
        return Some((Kind::Lifetime, end));
    }
    // One character that is in no name: `'"'`.
    (bytes.get(at + 2) == Some(&b'\'')).then_some((Kind::Number, at + 3))
}

fn character_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'\'' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// After a number: `1`, `0xff_u8`, `1.5e-3`, and not more than the `1` of `1..2` and of `1.max(2)`.
fn number_end(bytes: &[u8], at: usize) -> usize {
    let mut end = name_end(bytes, at);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = name_end(bytes, end + 1);
    }
    let is_hex = bytes.get(at + 1) == Some(&b'x');
    if !is_hex
        && matches!(bytes.get(end - 1), Some(b'e' | b'E'))
        && matches!(bytes.get(end), Some(b'+' | b'-'))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
    {
        end = name_end(bytes, end + 1);
    }
    end
}

/// A name, a raw name, or a text or character with a letter before it.
fn word(bytes: &[u8], at: usize) -> Option<(Kind, usize)> {
    let end = name_end(bytes, at);
    let name = bytes.get(at..end)?;
    match (name, bytes.get(end)) {
        (b"b" | b"c", Some(b'"')) => Some((Kind::Text, text_end(bytes, end + 1)?)),
        (b"b", Some(b'\'')) => Some((Kind::Number, character_end(bytes, end + 1)?)),
        (b"r" | b"br" | b"cr", Some(b'"' | b'#')) => {
            let hashes = bytes.get(end..)?.iter().take_while(|byte| **byte == b'#').count();
            match bytes.get(end + hashes) {
                Some(b'"') => Some((Kind::Text, raw_end(bytes, end, hashes)?)),
                // `r#type`.
                _ => Some((Kind::Word, name_end(bytes, end + 1))),
            }
        }
        _ => Some((Kind::Word, end)),
    }
}
