//! Spans that ended, kept for tests to look at.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::telemetry::wire::{Raw, fields};

/// How many are kept; the oldest go first.
const KEPT: usize = 100_000;

/// Whether a test may look at them. A binary that was built together with its tests has this module too, and keeps
/// none.
static WANTED: AtomicBool = AtomicBool::new(cfg!(test));

static SPANS: Mutex<VecDeque<Box<[u8]>>> = Mutex::new(VecDeque::new());

/// A span that ended, read from its encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FinishedSpan {
    pub(crate) name: String,
    pub(crate) kind: u64,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) parent_span_id: String,
    pub(crate) is_error: bool,
    /// As text, in the order of their names.
    pub(crate) attributes: BTreeMap<String, String>,
    /// How many attributes there are, those of the same name too.
    pub(crate) count: usize,
}

/// From now on spans of this process are kept.
#[cfg(feature = "testing")]
pub(crate) fn want() {
    WANTED.store(true, Ordering::Relaxed);
}

pub(super) fn is_wanted() -> bool {
    WANTED.load(Ordering::Relaxed)
}

pub(super) fn keep(encoded: &[u8]) {
    if !is_wanted() {
        return;
    }
    let mut spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
    if spans.len() == KEPT {
        spans.pop_front();
    }
    spans.push_back(encoded.into());
}

/// The spans that ended in this process so far, of all services in it. Tests tell theirs by the trace's id.
pub(crate) fn finished_spans() -> Vec<FinishedSpan> {
    let spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
    spans.iter().map(|encoded| FinishedSpan::of(encoded)).collect()
}

impl FinishedSpan {
    fn of(encoded: &[u8]) -> Self {
        let mut span = Self { parent_span_id: "0".repeat(16), ..Self::default() };
        for (number, value) in fields(encoded) {
            match (number, value) {
                (1, Raw::Bytes(id)) => span.trace_id = hex(id),
                (2, Raw::Bytes(id)) => span.span_id = hex(id),
                (4, Raw::Bytes(id)) => span.parent_span_id = hex(id),
                (5, Raw::Bytes(name)) => span.name = text(name),
                (6, Raw::Varint(kind)) => span.kind = kind,
                (9, Raw::Bytes(pair)) => {
                    let (key, value) = attribute(pair);
                    span.attributes.insert(key, value);
                    span.count += 1;
                }
                (15, Raw::Bytes(status)) => {
                    span.is_error = fields(status).any(|field| field == (3, Raw::Varint(2)));
                }
                _ => {}
            }
        }
        span
    }
}

fn attribute(pair: &[u8]) -> (String, String) {
    let mut attribute = (String::new(), String::new());
    for field in fields(pair) {
        match field {
            (1, Raw::Bytes(key)) => attribute.0 = text(key),
            (2, Raw::Bytes(value)) => {
                attribute.1 = match fields(value).next() {
                    Some((1, Raw::Bytes(value))) => text(value),
                    Some((2, Raw::Varint(value))) => (value != 0).to_string(),
                    Some((3, Raw::Varint(value))) => value.cast_signed().to_string(),
                    Some((4, Raw::Fixed64(value))) => f64::from_bits(value).to_string(),
                    _ => String::new(),
                }
            }
            _ => {}
        }
    }
    attribute
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
