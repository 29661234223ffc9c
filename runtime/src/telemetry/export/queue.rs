//! What waits to be sent: spans as bytes, one after the other, up to a bound.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::dropped;
use crate::telemetry::{
    settings::BatchSettings,
    wire::{self, fields},
};

/// The number of the field `spans` of OTLP's `ScopeSpans`.
const SPANS: u32 = 2;
/// How many bytes a span may have on average before the queue counts as full.
const BYTES_PER_SPAN: usize = 4 * 1024;

/// Where ended spans go in. It never waits.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Told of the first span, and of a full batch.
    pub(super) filled: Notify,
    max_spans: usize,
    max_bytes: usize,
    batch: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    spans: Batch,
    /// Nobody takes them any more.
    is_closed: bool,
}

/// Spans as entries of the field `spans` of a `ScopeSpans`.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) count: usize,
}

// === impl Queue ===

impl Queue {
    pub(super) fn new(settings: BatchSettings) -> Self {
        let BatchSettings { max_queue_size, max_export_batch_size, schedule_delay: _, export_timeout: _ } = settings;
        Self {
            waiting: Mutex::default(),
            filled: Notify::new(),
            max_spans: max_queue_size,
            max_bytes: max_queue_size.saturating_mul(BYTES_PER_SPAN),
            batch: max_export_batch_size.min(max_queue_size),
        }
    }

    /// Takes an encoded span. It is dropped and counted where too many wait.
    pub(crate) fn push(&self, span: &[u8]) {
        let mut waiting = self.lock();
        let Waiting { spans, is_closed } = &mut *waiting;
        let reason = if *is_closed {
            "export_failed"
        } else if spans.count >= self.max_spans || spans.bytes.len() + span.len() > self.max_bytes {
            "queue_full"
        } else {
            wire::bytes(&mut spans.bytes, SPANS, span);
            spans.count += 1;
            let is_wanted = spans.count == 1 || spans.count == self.batch;
            drop(waiting);
            if is_wanted {
                self.filled.notify_one();
            }
            return;
        };
        drop(waiting);
        dropped(reason, 1);
    }

    /// How many spans wait.
    pub(super) fn len(&self) -> usize {
        self.lock().spans.count
    }

    /// Whether there is a batch that is worth sending now.
    pub(super) fn is_batch(&self) -> bool {
        self.len() >= self.batch
    }

    /// Moves the first spans, at most so many, into the batch, whose memory is used again.
    pub(super) fn take(&self, most: usize, batch: &mut Batch) {
        batch.bytes.clear();
        let mut waiting = self.lock();
        let spans = &mut waiting.spans;
        if spans.count <= most {
            mem::swap(spans, batch);
            spans.count = 0;
            return;
        }
        let mut entries = fields(&spans.bytes);
        batch.count = entries.by_ref().take(most).count();
        let end = spans.bytes.len() - entries.rest.len();
        batch.bytes.extend_from_slice(&spans.bytes[..end]);
        spans.bytes.drain(..end);
        spans.count -= batch.count;
    }

    /// From now on spans are dropped and counted, as those that are here.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        let Batch { count, .. } = mem::take(&mut waiting.spans);
        drop(waiting);
        dropped("export_failed", count as u64);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
