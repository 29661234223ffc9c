//! One event as one line.
//!
//! Whatever the values hold, it stays one line, and valid JSON: control characters and the line separators of Unicode are
//! escaped, numbers that JSON doesn't have are text, and a field can't take the name of one of ours.

use std::{
    error::Error,
    fmt::{self, Write as _},
    io::Write as _,
};

use tracing::{
    Event, Level,
    field::{Field, Visit},
};

use super::{Format, text::Escaped, time::write_time};
use crate::telemetry::traces::{Ids, ids::hex};

/// The names of a line that its event's fields can't have. One that does is called `field.<name>`.
const OURS: &[&str] = &["timestamp", "level", "target", "trace_id", "span_id"];

/// A line that is being made.
pub(super) struct Line<'a> {
    pub(super) out: &'a mut Vec<u8>,
    format: Format,
    has_message: bool,
}

// === impl Line ===

impl<'a> Line<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, format: Format) -> Self {
        Self { out, format, has_message: false }
    }

    /// Writes the event, and a newline.
    pub(super) fn event(mut self, event: &Event<'_>, time: u64, ids: Option<Ids>) {
        let metadata = event.metadata();
        self.time(time);
        self.origin(metadata.level(), metadata.target());
        event.record(&mut self);
        self.end(ids);
    }

    /// Begins a line, with the nanoseconds since 1970.
    pub(super) fn time(&mut self, time: u64) {
        if self.format == Format::Json {
            self.out.extend_from_slice(b"{\"timestamp\":\"");
        }
        write_time(self.out, time);
    }

    /// How bad it is, and where it is from: what follows the time.
    pub(super) fn origin(&mut self, level: &Level, target: &str) {
        match self.format {
            Format::Json => {
                self.out.extend_from_slice(b"\",\"level\":\"");
                self.out.extend_from_slice(level.as_str().as_bytes());
                self.out.extend_from_slice(b"\",\"target\":\"");
                self.escaped(target);
                self.out.push(b'"');
            }
            Format::Text { colors } => {
                let color = match *level {
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
                self.escaped(target);
                self.out.push(b':');
            }
        }
    }

    /// Ends the line, with a newline.
    pub(super) fn end(self, ids: Option<Ids>) {
        let Self { out, format, has_message } = self;
        if format == Format::Json && !has_message {
            out.extend_from_slice(b",\"message\":\"\"");
        }
        let Some(ids) = ids else {
            return out.extend_from_slice(if format == Format::Json { b"}\n" } else { b"\n" });
        };
        let [high, low, span] = hex([(ids.trace >> 64) as u64, ids.trace as u64, ids.span]);
        let trace = [high, low];
        let (trace, span) = (trace.as_flattened(), &span[..]);
        // All have one size, so they go at once.
        match format {
            Format::Json => write_parts::<77>(out, [b",\"trace_id\":\"", trace, b"\",\"span_id\":\"", span, b"\"}\n"]),
            Format::Text { .. } => write_parts::<68>(out, [b" trace_id=", trace, b" span_id=", span, b"\n"]),
        }
    }

    /// Begins a field with a name that needs no escapes and is none of ours; [`Self::key`] is for others.
    pub(super) fn plain_key(&mut self, name: &str) {
        let [before, after]: [&[u8]; 2] = match self.format {
            Format::Json => [b",\"", b"\":"],
            Format::Text { .. } => [b" ", b"="],
        };
        self.out.extend_from_slice(before);
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(after);
    }

    /// The value of a field that is a number.
    pub(super) fn number(&mut self, number: impl fmt::Display) {
        _ = write!(self.out, "{number}");
    }

    /// The value of a field that is a text.
    pub(super) fn text(&mut self, text: &str) {
        match self.format {
            Format::Json => {
                self.out.push(b'"');
                self.escaped(text);
                self.out.push(b'"');
            }
            Format::Text { .. } => _ = Escaped { out: self.out, json: false }.write_fmt(format_args!("{text:?}")),
        }
    }

    /// The message, in two parts with a space between them.
    pub(super) fn message(&mut self, parts: [&str; 2]) {
        self.has_message = true;
        let json = self.format == Format::Json;
        self.out.extend_from_slice(if json { b",\"message\":\"" } else { b" " });
        self.escaped(parts[0]);
        self.out.push(b' ');
        self.escaped(parts[1]);
        if json {
            self.out.push(b'"');
        }
    }

    /// Begins a field whose name is the same on each line, in either format.
    pub(super) fn fixed_key(&mut self, json: &[u8], text: &[u8]) {
        self.out.extend_from_slice(if self.format == Format::Json { json } else { text });
    }

    /// What was made before for lines of this format, with a message in it.
    pub(super) fn template(&mut self, template: &[u8]) {
        self.has_message = true;
        self.out.extend_from_slice(template);
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
        self.number(value);
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

/// Writes parts that are `N` bytes together.
fn write_parts<const N: usize>(out: &mut Vec<u8>, parts: [&[u8]; 5]) {
    let mut bytes = [0; N];
    let mut rest = &mut bytes[..];
    for part in parts {
        let (place, after) = rest.split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = after;
    }
    out.extend_from_slice(&bytes);
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
