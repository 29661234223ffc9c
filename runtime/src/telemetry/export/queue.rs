//! What waits to be sent: spans as bytes, one after the other, up to a bound.
//!
//! They wait in the batches that they are sent in: from here to the socket no span is copied. A batch is in pieces of one
//! size, which leave no holes between what else the service allocates.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::dropped;
use crate::telemetry::{settings::BatchSettings, wire};

/// The number of the field `spans` of OTLP's `ScopeSpans`.
const SPANS: u32 = 2;
/// How many bytes a span may have on average before the queue counts as full.
const BYTES_PER_SPAN: usize = 4 * 1024;
/// How many bytes a piece of a batch has room for, unless a span is larger.
const PIECE: usize = 32 * 1024;

/// Where ended spans go in. It never waits.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Told of a full batch, and of the first span where [`tell_of_first`](Self::tell_of_first) asked for that.
    pub(super) filled: Notify,
    max_spans: usize,
    max_bytes: usize,
    batch: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    full: VecDeque<Batch>,
    /// That which spans are added to, unless it is full.
    open: Batch,
    /// Of all of them.
    spans: usize,
    bytes: usize,
    /// Whoever takes them waits for one.
    tell_of_first: bool,
    /// Nobody takes them any more.
    is_closed: bool,
}

/// Spans as entries of the field `spans` of a `ScopeSpans`, and then what goes around them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) pieces: Vec<Vec<u8>>,
    /// How many bytes they have.
    pub(super) len: usize,
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
        let reason = if waiting.is_closed {
            "export_failed"
        } else if waiting.spans >= self.max_spans || waiting.bytes + span.len() > self.max_bytes {
            "queue_full"
        } else {
            let is_wanted = waiting.add(span, self.batch);
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
        self.lock().spans
    }

    /// Whether there is a batch that is worth sending now.
    pub(super) fn is_batch(&self) -> bool {
        self.len() >= self.batch
    }

    /// Tells of the next span, unless there are some already; says whether it will.
    pub(super) fn tell_of_first(&self) -> bool {
        let mut waiting = self.lock();
        waiting.tell_of_first = waiting.spans == 0;
        waiting.tell_of_first
    }

    /// The spans that wait longest, if any do: a batch at most.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut waiting = self.lock();
        let batch = match waiting.full.pop_front() {
            Some(batch) => batch,
            None => std::mem::take(&mut waiting.open),
        };
        waiting.spans -= batch.count;
        waiting.bytes -= batch.len;
        (batch.count > 0).then_some(batch)
    }

    /// From now on spans are dropped and counted, as those that are here.
    pub(super) fn close(&self) {
        let closed = Waiting { is_closed: true, ..Waiting::default() };
        let Waiting { spans, .. } = std::mem::replace(&mut *self.lock(), closed);
        dropped("export_failed", spans as u64);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Waiting ===

impl Waiting {
    /// Adds a span, and says whether that is to be told.
    fn add(&mut self, span: &[u8], batch: usize) -> bool {
        self.bytes += self.open.add(span);
        self.spans += 1;
        if self.open.count < batch {
            return std::mem::take(&mut self.tell_of_first);
        }
        self.full.push_back(std::mem::take(&mut self.open));
        // Whoever takes one looks whether there is another.
        self.full.len() == 1
    }
}

// === impl Batch ===

impl Batch {
    /// Adds a span, and says how many bytes longer it is now.
    fn add(&mut self, span: &[u8]) -> usize {
        let most = span.len() + wire::MAX_HEAD;
        let piece = match self.pieces.last_mut() {
            Some(piece) if piece.capacity() - piece.len() >= most => piece,
            _ => self.pieces.push_mut(Vec::with_capacity(PIECE.max(most))),
        };
        let before = piece.len();
        wire::bytes(piece, SPANS, span);
        let more = piece.len() - before;
        self.len += more;
        self.count += 1;
        more
    }

    /// Adds what goes before.
    pub(super) fn prepend(&mut self, part: Vec<u8>) {
        self.len += part.len();
        self.pieces.insert(0, part);
    }

    /// Puts other bytes in the place of what it has.
    pub(super) fn replace(&mut self, bytes: Vec<u8>) {
        self.len = bytes.len();
        self.pieces = vec![bytes];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::settings::OtelSettings;

    fn queue(max: &str, batch: &str) -> Queue {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", max),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batch),
        ];
        let (settings, _) = OtelSettings::read(&variables.into_iter().collect());
        Queue::new(settings.exporter.unwrap().batch)
    }

    #[test]
    fn spans_leave_in_batches_as_they_came() {
        let queue = queue("5", "2");
        assert!(queue.take().is_none());
        for span in [&b"a"[..], b"bb", b"", b"d", b"e", b"too many"] {
            queue.push(span);
        }
        assert_eq!(queue.len(), 5);
        let taken: Vec<_> = std::iter::from_fn(|| queue.take())
            .map(|mut batch| {
                batch.prepend(b"xyz".to_vec());
                assert_eq!(batch.len, batch.pieces.concat().len());
                (batch.count, batch.pieces.concat())
            })
            .collect();
        let expected: [(usize, &[u8]); 3] =
            [(2, b"xyz\x12\x01a\x12\x02bb"), (2, b"xyz\x12\x00\x12\x01d"), (1, b"xyz\x12\x01e")];
        assert_eq!(taken, expected.map(|(count, bytes)| (count, bytes.to_vec())));
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn pieces_do_not_grow_and_no_span_is_in_two() {
        let queue = queue("1000", "1000");
        let spans = [vec![1; 10], vec![2; PIECE - 30], vec![3; 30], vec![4; PIECE + 1], vec![5; 1]];
        for span in &spans {
            queue.push(span);
        }
        let batch = queue.take().unwrap();
        let first = |piece: &Vec<u8>| (piece.len() <= piece.capacity() && piece[0] == 0x12).then_some(piece.len());
        assert_eq!(batch.pieces.iter().filter_map(first).sum::<usize>(), batch.len);
        assert_eq!(batch.pieces.len(), 4);
        let mut expected = Vec::new();
        for span in &spans {
            wire::bytes(&mut expected, SPANS, span);
        }
        assert_eq!(batch.pieces.concat(), expected);
    }

    #[test]
    fn spans_that_are_large_fill_it_too() {
        let queue = queue("2", "1");
        let span = [0; BYTES_PER_SPAN * 2 - 100];
        queue.push(&span);
        queue.push(&span);
        assert_eq!(queue.len(), 1);
        _ = queue.take();
        queue.push(&span);
        assert_eq!(queue.len(), 1);
        queue.close();
        queue.push(b"late");
        assert_eq!(queue.len(), 0);
    }
}
