//! Logs: what events become, and the way to stdout.
//!
//! An event is made a line on the thread where it happens, in a buffer of that thread, and handed to a queue that never
//! waits; a thread of its own writes it. So a reader of stdout that stops reading costs lines, which are counted, and no
//! request.

mod filter;
mod line;
mod writer;

use std::{
    cell::{Cell, RefCell},
    io::IsTerminal,
    sync::Arc,
    time::SystemTime,
};

use opentelemetry::{
    Context as OtelContext,
    trace::{SpanContext, TraceContextExt},
};
use tracing::{Event, Subscriber, dispatcher, span};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use self::line::Line;
pub(crate) use self::{
    filter::{checked_filter, initial_filter},
    writer::Writer,
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
pub(crate) struct LogLayer {
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

// === impl LogLayer ===

impl LogLayer {
    pub(crate) fn new(format: Format, writer: Arc<Writer>) -> Self {
        Self { format, writer }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if MUTED.get() {
            return;
        }
        let span = span_context(event);
        BUFFER.with(|buffer| match buffer.try_borrow_mut() {
            Ok(mut buffer) => {
                buffer.clear();
                Line::new(&mut buffer, self.format).write(event, SystemTime::now(), span.as_ref());
                self.writer.push(&buffer);
                if buffer.capacity() > KEPT {
                    *buffer = Vec::new();
                }
            }
            // A value logs while it is being logged.
            Err(_) => {
                let mut buffer = Vec::new();
                Line::new(&mut buffer, self.format).write(event, SystemTime::now(), span.as_ref());
                self.writer.push(&buffer);
            }
        });
    }
}

/// The span that an event belongs to: the one named in it, else the one that the thread is in.
fn span_context(event: &Event<'_>) -> Option<SpanContext> {
    let of = |context: &OtelContext| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| span.clone())
    };
    match event.parent() {
        Some(parent) => span_context_of(parent),
        None if event.is_contextual() => OtelContext::map_current(of),
        None => None,
    }
}

fn span_context_of(id: &span::Id) -> Option<SpanContext> {
    dispatcher::get_default(|dispatch| {
        let context = tracing_opentelemetry::get_otel_context(id, dispatch)?;
        let span = context.span();
        Some(span.span_context().clone())
    })
    .filter(SpanContext::is_valid)
}

#[cfg(test)]
mod tests;
