//! Logs: what events become, and the way to stdout.
//!
//! An event is made a line on the thread where it happens, in a buffer of that thread, and handed to a queue that never
//! waits; a thread of its own writes it. So a reader of stdout that stops reading costs lines, which are counted, and no
//! request. An access line is the same without the event.

mod access;
mod filter;
mod line;
mod text;
mod time;
mod writer;

use std::{
    cell::{Cell, RefCell},
    io::IsTerminal,
    sync::Arc,
};

use tracing::Event;

use self::line::Line;
pub(crate) use self::{
    access::{AccessLine, AccessTemplate},
    filter::{FilterLayer, checked_filter, initial_filter},
    writer::Writer,
};
use super::{
    clock::Moment,
    traces::{ids_of, stack},
};
use crate::config::LogFormat;

thread_local! {
    /// The line that is being made. Its memory is kept for the next one.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// Whether events of this thread are about telemetry itself.
    static MUTED: Cell<bool> = const { Cell::new(false) };
}

/// A buffer that grew past this is given back after one line.
const KEPT: usize = 16 * 1024;

/// Writes events as lines.
pub(crate) struct Logs {
    format: Format,
    writer: Arc<Writer>,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Text { colors: bool },
}

/// Drops events of this thread for ever: for the thread of the exporter, whose HTTP client logs too.
#[cfg(any(test, feature = "otlp"))]
pub(crate) fn mute_thread() {
    MUTED.set(true);
}

/// Whether what happens on this thread is about telemetry itself.
pub(crate) fn is_muted() -> bool {
    MUTED.get()
}

/// Logs from a thread that is muted.
#[cfg(any(test, feature = "otlp"))]
pub(crate) fn unmuted(log: impl FnOnce()) {
    let muted = MUTED.replace(false);
    log();
    MUTED.set(muted);
}

// === impl Format ===

impl Format {
    /// What was asked for; else JSON, unless a person reads.
    pub(crate) fn choose(setting: Option<LogFormat>, no_color: bool) -> Self {
        let terminal = std::io::stdout().is_terminal();
        match setting {
            Some(LogFormat::Json) => Self::Json,
            None if !terminal => Self::Json,
            Some(LogFormat::Text) | None => Self::Text { colors: terminal && !no_color },
        }
    }
}

// === impl Logs ===

impl Logs {
    pub(crate) fn new(format: Format, writer: Arc<Writer>) -> Self {
        Self { format, writer }
    }

    /// Writes the line of an event, with the ids of the span that it names, else of the one that the thread is in.
    pub(crate) fn event(&self, event: &Event<'_>) {
        if MUTED.get() {
            return;
        }
        let ids = match event.parent() {
            Some(parent) => ids_of(parent),
            None if event.is_contextual() => stack::current_ids(),
            None => None,
        };
        let time = Moment::now().unix();
        self.line(|line| line.event(event, time, ids));
    }

    /// Writes a line in the buffer of this thread, and hands it on.
    fn line(&self, write: impl FnOnce(Line<'_>)) {
        BUFFER.with(|buffer| match buffer.try_borrow_mut() {
            Ok(mut buffer) => {
                buffer.clear();
                write(Line::new(&mut buffer, self.format));
                self.writer.push(&buffer);
                if buffer.capacity() > KEPT {
                    *buffer = Vec::new();
                }
            }
            // A value logs while it is being logged.
            Err(_) => {
                let mut buffer = Vec::new();
                write(Line::new(&mut buffer, self.format));
                self.writer.push(&buffer);
            }
        });
    }
}

#[cfg(test)]
mod tests;
