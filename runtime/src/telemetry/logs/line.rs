//! One event as one line.
//!
//! Whatever the values hold, it stays one line, and valid JSON: control characters and the line separators of Unicode are
//! escaped, numbers that JSON doesn't have are text, and a field can't take the name of one of ours.

use std::{
    error::Error,
    fmt::{self, Write as _},
    io::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use opentelemetry::trace::SpanContext;
use tracing::{
    Event, Level,
    field::{Field, Visit},
};

use super::Format;

/// The names of a line that its event's fields can't have. One that does is called `field.<name>`.
const OURS: &[&str] = &["timestamp", "level", "target", "trace_id", "span_id"];

/// A line that is being made.
pub(super) struct Line<'a> {
    out: &'a mut Vec<u8>,
    format: Format,
    has_message: bool,
}

/// Escapes what is written to it.
struct Escaped<'a> {
    out: &'a mut Vec<u8>,
    json: bool,
}

// === impl Line ===

impl<'a> Line<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, format: Format) -> Self {
        Self { out, format, has_message: false }
    }

    /// Writes the event, and a newline.
    pub(super) fn write(mut self, event: &Event<'_>, time: SystemTime, span: Option<&SpanContext>) {
        match self.format {
            Format::Json => self.json(event, time, span),
            Format::Text { colors } => self.text(event, time, span, colors),
        }
        self.out.push(b'\n');
    }

    fn json(&mut self, event: &Event<'_>, time: SystemTime, span: Option<&SpanContext>) {
        self.out.extend_from_slice(b"{\"timestamp\":\"");
        write_time(self.out, time);
        self.out.extend_from_slice(b"\",\"level\":\"");
        self.out.extend_from_slice(event.metadata().level().as_str().as_bytes());
        self.out.extend_from_slice(b"\",\"target\":\"");
        self.escaped(event.metadata().target());
        self.out.push(b'"');
        event.record(self);
        if !self.has_message {
            self.out.extend_from_slice(b",\"message\":\"\"");
        }
        if let Some(span) = span {
            _ = write!(self.out, ",\"trace_id\":\"{}\",\"span_id\":\"{}\"", span.trace_id(), span.span_id());
        }
        self.out.push(b'}');
    }

    fn text(&mut self, event: &Event<'_>, time: SystemTime, span: Option<&SpanContext>, colors: bool) {
        write_time(self.out, time);
        let level = *event.metadata().level();
        let color = match level {
            Level::ERROR => 31,
            Level::WARN => 33,
            Level::INFO => 32,
            Level::DEBUG => 34,
            Level::TRACE => 35,
        };
        _ = if colors {
            write!(self.out, " \x1b[{color}m{level:>5}\x1b[0m ")
        } else {
            write!(self.out, " {level:>5} ")
        };
        self.escaped(event.metadata().target());
        self.out.push(b':');
        event.record(self);
        if let Some(span) = span {
            _ = write!(self.out, " trace_id={} span_id={}", span.trace_id(), span.span_id());
        }
    }

    /// Begins a field. Without quotes: what follows is a number or a truth value, or brings its own.
    fn key(&mut self, name: &str) {
        let json = self.format == Format::Json;
        if name == "message" {
            self.has_message = true;
        }
        if json {
            self.out.extend_from_slice(b",\"");
        } else {
            self.out.push(b' ');
            if name == "message" {
                return;
            }
        }
        if OURS.contains(&name) {
            self.out.extend_from_slice(b"field.");
        }
        self.escaped(name.strip_prefix("r#").unwrap_or(name));
        self.out.extend_from_slice(if json { b"\":" } else { b"=" });
    }

    fn raw(&mut self, field: &Field, value: impl fmt::Display) {
        self.key(field.name());
        _ = write!(self.out, "{value}");
    }

    fn quoted(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.key(field.name());
        let json = self.format == Format::Json;
        if json {
            self.out.push(b'"');
        }
        // An error of the value's own formatting ends it where it is.
        _ = Escaped { out: self.out, json }.write_fmt(value);
        if json {
            self.out.push(b'"');
        }
    }

    fn escaped(&mut self, text: &str) {
        let json = self.format == Format::Json;
        _ = Escaped { out: self.out, json }.write_str(text);
    }
}

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.quoted(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.format == Format::Json || field.name() == "message" {
            self.quoted(field, format_args!("{value}"));
        } else {
            self.quoted(field, format_args!("{value:?}"));
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            _ = write!(text, ": {error}");
            source = error.source();
        }
        self.record_str(field, &text);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.raw(field, value);
        } else {
            self.quoted(field, format_args!("{value}"));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.raw(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.raw(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.quoted(field, format_args!("{value}"));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.quoted(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.raw(field, value);
    }
}

// === impl Escaped ===

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
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
        Ok(())
    }
}

/// RFC 3339 in UTC with microseconds: `2026-11-03T08:00:00.000001Z`.
fn write_time(out: &mut Vec<u8>, time: SystemTime) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Days to a civil date, after Howard Hinnant: eras of 400 years that begin in March.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    _ = write!(
        out,
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60,
        since.subsec_micros()
    );
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times() {
        for (seconds, micros, expected) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000001Z"),
            (951_868_799, 999_999, "2000-02-29T23:59:59.999999Z"),
            (1_709_164_800, 0, "2024-02-29T00:00:00.000000Z"),
            (1_735_689_599, 0, "2024-12-31T23:59:59.000000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
        ] {
            let mut out = Vec::new();
            let time = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros);
            write_time(&mut out, time);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
