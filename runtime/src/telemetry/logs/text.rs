//! Text on a line: escaped so that it stays one, and valid JSON where it is JSON.

use std::{fmt, io::Write as _};

/// Escapes what is written to it.
pub(super) struct Escaped<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) json: bool,
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly all text is this.
        let is_plain = |byte: &u8| matches!(byte, 0x20..0x7f) && !matches!(byte, b'"' | b'\\');
        if text.as_bytes().iter().all(is_plain) {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            self.escape(text);
        }
        Ok(())
    }
}

impl Escaped<'_> {
    fn escape(&mut self, text: &str) {
        let mut plain = 0;
        for (at, character) in text.char_indices() {
            let special = character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
            let quoted = self.json && matches!(character, '"' | '\\');
            if !special && !quoted {
                continue;
            }
            self.out.extend_from_slice(&text.as_bytes()[plain..at]);
            plain = at + character.len_utf8();
            _ = match character {
                '\n' => self.out.write_all(b"\\n"),
                '\r' => self.out.write_all(b"\\r"),
                '\t' => self.out.write_all(b"\\t"),
                '"' | '\\' => write!(self.out, "\\{character}"),
                _ => write!(self.out, "\\u{:04x}", u32::from(character)),
            };
        }
        self.out.extend_from_slice(&text.as_bytes()[plain..]);
    }
}
