//! Text on a line: escaped so that it stays one, and valid JSON where it is JSON.

use std::{fmt, io::Write as _};

/// The bytes that stand for themselves, everywhere.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        plain[byte] = !matches!(byte as u8, b'"' | b'\\');
        byte += 1;
    }
    plain
};

/// Escapes what is written to it.
pub(super) struct Escaped<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) json: bool,
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly all text is this.
        if text.bytes().all(|byte| PLAIN[usize::from(byte)]) {
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
