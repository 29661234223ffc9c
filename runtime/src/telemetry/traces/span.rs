//! What is kept of a span, and how it becomes one of OTLP.
//!
//! A span that is recorded is its own encoding from the start: ids, name, kind and attributes are appended as they
//! become known. One that is not has its ids alone.

use std::{
    error::Error,
    fmt::{self, Write as _},
    sync::Arc,
};

use tracing::{
    Metadata,
    field::{Field, Visit},
    span::Id,
};

use super::{Inherited, ids::Ids};
use crate::telemetry::{
    clock::Moment,
    propagation::{Carried, flags},
    request::Failure,
    wire::{self, TextAttribute, Value},
};

/// A buffer that grew past this is given back after one span.
const KEPT: usize = 4 * 1024;

/// The size of a trace's id, a span's id and a time.
const FIXED: usize = 18 + 10 + 9;

/// The numbers of the fields of OTLP's `Span`.
mod field {
    pub(super) const TRACE_ID: u32 = 1;
    pub(super) const SPAN_ID: u32 = 2;
    pub(super) const TRACE_STATE: u32 = 3;
    pub(super) const PARENT_SPAN_ID: u32 = 4;
    pub(super) const NAME: u32 = 5;
    pub(super) const KIND: u32 = 6;
    pub(super) const START: u32 = 7;
    pub(super) const END: u32 = 8;
    pub(super) const ATTRIBUTES: u32 = 9;
    pub(super) const LINKS: u32 = 13;
    pub(super) const STATUS: u32 = 15;
    pub(super) const FLAGS: u32 = 16;
}

/// A span while it lives.
#[derive(Default)]
pub(crate) struct SpanData {
    pub(crate) metadata: Option<&'static Metadata<'static>>,
    /// Held on to until this one is removed.
    pub(crate) parent: Option<Id>,
    /// The span of the request that this one is part of.
    pub(crate) request: Option<Id>,
    pub(crate) ids: Ids,
    /// Whether it is encoded. Not after its end.
    pub(crate) is_recorded: bool,
    pub(crate) started: Option<Moment>,
    pub(crate) carried: Option<Arc<Carried>>,
    pub(crate) encoded: Encoded,
    /// Whether it is the span of a request that was not answered yet.
    pub(crate) takes_failures: bool,
    pub(crate) failures: Vec<Failure>,
}

/// Fields of OTLP's `Span`.
#[derive(Debug, Default)]
pub(crate) struct Encoded(pub(crate) Vec<u8>);

/// What a span is to others, as OTLP numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// The span above.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    pub(crate) span: u64,
    pub(crate) is_remote: bool,
}

/// Makes attributes of the fields of a `tracing` span.
pub(crate) struct FieldVisitor<'a>(pub(crate) &'a mut Encoded);

// === impl SpanData ===

impl SpanData {
    /// Begins a span that is below another one, or of nobody's.
    pub(super) fn begin(
        &mut self,
        metadata: &'static Metadata<'static>,
        parent: Option<Id>,
        ids: Ids,
        started: Option<Moment>,
        above: Option<Inherited>,
    ) {
        self.metadata = Some(metadata);
        self.parent = parent;
        self.ids = ids;
        self.is_recorded = started.is_some();
        self.started = started;
        if let Some(Inherited { ids: _, carried, request }) = above {
            self.carried = carried;
            self.request = request;
        }
    }

    /// Makes room for another span, which may use the memory.
    pub(crate) fn clear(&mut self) {
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.0.clear();
        if encoded.0.capacity() > KEPT {
            encoded.0 = Vec::new();
        }
        *self = Self { encoded, ..Self::default() };
    }

    /// Gives back the memory too.
    pub(crate) fn shrink(&mut self) {
        self.encoded.0 = Vec::new();
    }
}

// === impl Encoded ===

impl Encoded {
    /// Begins a span; its name is to follow.
    pub(crate) fn begin(&mut self, ids: Ids, parent: Option<Parent>, carried: Option<&Carried>, start: Moment) {
        let out = &mut self.0;
        // What has one size, at once.
        let mut fixed = [0; FIXED];
        fixed[..2].copy_from_slice(&[wire::key(field::TRACE_ID, wire::BYTES), 16]);
        fixed[2..18].copy_from_slice(&ids.trace.to_be_bytes());
        fixed[18..20].copy_from_slice(&[wire::key(field::SPAN_ID, wire::BYTES), 8]);
        fixed[20..28].copy_from_slice(&ids.span.to_be_bytes());
        fixed[28] = wire::key(field::START, wire::FIXED64);
        fixed[29..].copy_from_slice(&start.unix().to_le_bytes());
        out.extend_from_slice(&fixed);
        if let Some(parent) = parent {
            wire::bytes(out, field::PARENT_SPAN_ID, &parent.span.to_be_bytes());
        }
        if let Some(carried) = carried
            && !carried.tracestate.is_empty()
        {
            wire::bytes(out, field::TRACE_STATE, carried.tracestate.as_bytes());
        }
        // The flags of W3C, then whether it is known that the parent is remote, and whether it is.
        let is_remote = parent.is_some_and(|parent| parent.is_remote);
        wire::fixed32(out, field::FLAGS, u32::from(flags(ids)) | 0x100 | u32::from(is_remote) << 9);
    }

    /// Begins a span that is below one in this process, if there is one.
    pub(super) fn begin_child(&mut self, ids: Ids, above: Option<&Inherited>, start: Moment) {
        let parent = above.map(|above| Parent { span: above.ids.span, is_remote: false });
        self.begin(ids, parent, above.and_then(|above| above.carried.as_deref()), start);
    }

    /// Adds fields that were encoded before.
    pub(crate) fn fields(&mut self, encoded: &Self) {
        self.0.extend_from_slice(&encoded.0);
    }

    pub(crate) fn name(&mut self, name: &str) {
        wire::bytes(&mut self.0, field::NAME, name.as_bytes());
    }

    pub(crate) fn kind(&mut self, kind: Kind) {
        wire::varint(&mut self.0, field::KIND, kind as u64);
    }

    pub(crate) fn attribute(&mut self, key: &str, value: Value<'_>) {
        wire::attribute(&mut self.0, field::ATTRIBUTES, key, value);
    }

    /// The attribute `url.path`.
    pub(crate) fn path(&mut self, path: &str) {
        const PATH: TextAttribute<16> = TextAttribute::new(field::ATTRIBUTES, "url.path");
        PATH.add(&mut self.0, path);
    }

    /// The attribute `user_agent.original`.
    pub(crate) fn user_agent(&mut self, agent: &str) {
        const AGENT: TextAttribute<27> = TextAttribute::new(field::ATTRIBUTES, "user_agent.original");
        AGENT.add(&mut self.0, agent);
    }

    /// The attribute `code.function.name`.
    pub(crate) fn function(&mut self, name: &str) {
        const FUNCTION: TextAttribute<26> = TextAttribute::new(field::ATTRIBUTES, "code.function.name");
        FUNCTION.add(&mut self.0, name);
    }

    /// An attribute whose value is yet to be formatted.
    pub(crate) fn formatted(&mut self, key: &str, value: fmt::Arguments<'_>) {
        wire::formatted_attribute(&mut self.0, field::ATTRIBUTES, key, value);
    }

    /// The status Error, with what is said of it.
    pub(crate) fn error(&mut self, message: &str) {
        let mut status = Vec::new();
        if !message.is_empty() {
            wire::bytes(&mut status, 2, message.as_bytes());
        }
        wire::varint(&mut status, 3, 2);
        wire::bytes(&mut self.0, field::STATUS, &status);
    }

    fn status(&mut self, code: &str) {
        match code {
            _ if code.eq_ignore_ascii_case("error") => self.error(""),
            _ if code.eq_ignore_ascii_case("ok") => wire::bytes(&mut self.0, field::STATUS, &[3 << 3, 1]),
            _ => {}
        }
    }

    pub(crate) fn link(&mut self, to: Ids) {
        let mut link = Vec::with_capacity(28);
        wire::bytes(&mut link, 1, &to.trace.to_be_bytes());
        wire::bytes(&mut link, 2, &to.span.to_be_bytes());
        wire::bytes(&mut self.0, field::LINKS, &link);
    }

    /// Ends the span. Whatever happened to the wall clock, not before it began.
    pub(crate) fn end(&mut self, started: Option<Moment>, now: Moment) {
        let end = started.map_or(now.unix(), |started| now.unix_after(started));
        wire::fixed64(&mut self.0, field::END, end);
    }

    /// Takes what another says too; of attributes that both have, the other's count.
    pub(crate) fn update(&mut self, other: &Self) {
        for (number, value) in wire::fields(&other.0) {
            if let wire::Raw::Bytes(pair) = value
                && number == field::ATTRIBUTES
                && let Some((1, wire::Raw::Bytes(key))) = wire::fields(pair).next()
                && let Ok(key) = str::from_utf8(key)
            {
                wire::remove_attribute(&mut self.0, number, key);
            }
        }
        self.0.extend_from_slice(&other.0);
    }
}

// === impl FieldVisitor ===

impl FieldVisitor<'_> {
    /// The fields that say something of the span itself, under the names that `tracing-opentelemetry` gave them.
    /// Libraries use these.
    fn special(&mut self, field: &str, value: &str) -> bool {
        match field {
            "otel.name" => self.0.name(value),
            "otel.kind" => {
                let kinds = [
                    ("internal", Kind::Internal),
                    ("server", Kind::Server),
                    ("client", Kind::Client),
                    ("producer", Kind::Producer),
                    ("consumer", Kind::Consumer),
                ];
                if let Some((_, kind)) = kinds.into_iter().find(|(name, _)| value.eq_ignore_ascii_case(name)) {
                    self.0.kind(kind);
                }
            }
            "otel.status_code" => self.0.status(value),
            "otel.status_description" => self.0.error(value),
            _ => return false,
        }
        true
    }

    fn value(&mut self, field: &Field, value: Value<'_>) {
        self.0.attribute(name_of(field), value);
    }
}

impl Visit for FieldVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if !is_special(field) || !self.special(field.name(), value) {
            self.value(field, Value::Text(value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !is_special(field) || !self.special(field.name(), &format!("{value:?}")) {
            self.0.formatted(name_of(field), format_args!("{value:?}"));
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            // Writing to a string can't fail.
            _ = write!(text, ": {error}");
            source = error.source();
        }
        self.value(field, Value::Text(&text));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.value(field, Value::Int(value)),
            // OTLP has no larger numbers.
            Err(_) => self.0.formatted(name_of(field), format_args!("{value}")),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, Value::Double(value));
    }
}

fn is_special(field: &Field) -> bool {
    field.name().starts_with("otel.")
}

fn name_of(field: &Field) -> &'static str {
    field.name().strip_prefix("r#").unwrap_or(field.name())
}
