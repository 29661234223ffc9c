//! The export of spans: a bounded queue, and a thread that sends what is in it.
//!
//! The SDK's own batch processor keeps to itself how many spans it dropped, needs a runtime that somebody else drives, and
//! says nothing where nothing arrives. Here the thread has a runtime of its own, so a service whose runtime is blocked or
//! gone still sends; a batch that fails is tried again until its time is up, while the queue takes what it can and counts
//! the rest; and a collector that can't be reached is one warning, with one line when it is back.
//!
//! Spans come encoded. Parts of a message of protobuf stand one after the other, so a request is what is around its spans,
//! made once, and their bytes.

mod channel;
mod connector;
mod dial;
mod message;
mod outage;
mod queue;
#[cfg(feature = "tls")]
mod tls;
mod transport;

use std::{
    io,
    sync::{Arc, mpsc as blocking},
    thread,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

pub(crate) use self::queue::Queue;
use self::{
    message::Message,
    outage::Outage,
    queue::Batch,
    transport::{Failure, Transport},
};
use super::{
    logs,
    resource::Resource,
    settings::{BatchSettings, ExporterSettings},
    traces::ids::random,
    wire::{self, Value},
};

/// Asks the thread to send what is in the queue now. Dropped once that is done.
type FlushRequest = blocking::SyncSender<()>;

/// The running exporter.
pub(crate) struct Exporter {
    flushes: mpsc::UnboundedSender<FlushRequest>,
}

/// The other end of the queue.
struct Worker {
    queue: Arc<Queue>,
    flushes: mpsc::UnboundedReceiver<FlushRequest>,
    transport: Transport,
    /// The fields of an OTLP request that come before its spans.
    envelope: Envelope,
    batch: BatchSettings,
    endpoint: String,
    outage: Outage,
    /// Flushes that wait for the batch at hand.
    waiting: Vec<FlushRequest>,
}

/// What is around the spans of a request: who sends them.
struct Envelope {
    /// The field `resource` of `ResourceSpans`.
    resource: Vec<u8>,
    /// The field `scope` of `ScopeSpans`.
    scope: Vec<u8>,
}

/// Starts the thread. Spans that go into the queue are sent. The text says why they can't be for now.
pub(crate) fn start(
    settings: ExporterSettings,
    resource: &Resource,
) -> io::Result<(Exporter, Arc<Queue>, Option<String>)> {
    let envelope = Envelope::new(resource);
    let queue = Arc::new(Queue::new(settings.batch));
    let (flushes, flushes_out) = mpsc::unbounded_channel();
    metrics::counter!("seaworthy_spans_exported_total").increment(0);
    for reason in ["queue_full", "export_failed", "rejected"] {
        dropped(reason, 0);
    }
    let endpoint = settings.shown_endpoint();
    let batch = settings.batch;
    let transport = Transport::new(settings);
    let warning =
        transport.check().err().map(|why| format!("no span reaches the collector until this is mended: {why}"));
    let worker = Worker {
        queue: Arc::clone(&queue),
        flushes: flushes_out,
        transport,
        envelope,
        batch,
        endpoint,
        outage: Outage::new(warning.is_some()),
        waiting: Vec::new(),
    };
    thread::Builder::new().name("seaworthy-otlp".into()).spawn(|| worker.run_on_this_thread())?;
    Ok((Exporter { flushes }, queue, warning))
}

// === impl Exporter ===

impl Exporter {
    /// Waits until the spans that ended so far are sent or given up, at most this long. Says whether they are.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        let (done, wait) = blocking::sync_channel(1);
        self.flushes.send(done).is_err() || wait.recv_timeout(within) != Err(blocking::RecvTimeoutError::Timeout)
    }
}

// === impl Worker ===

impl Worker {
    fn run_on_this_thread(self) {
        // Its HTTP client would otherwise log, and be traced, about the sending of logs and traces.
        logs::mute_thread();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // For the names of hosts. A resolver that hangs must not collect threads.
            .max_blocking_threads(2)
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.run()),
            Err(error) => logs::unmuted(|| {
                tracing::warn!(target: "seaworthy::telemetry", "no span is exported: {error}");
            }),
        }
    }

    /// Runs until the exporter is gone.
    async fn run(mut self) {
        while self.fill().await {
            if let Some(batch) = self.queue.take() {
                self.export(batch).await;
            }
            while !self.waiting.is_empty() {
                // More flushes may come while these are served, and more spans, which are left for those.
                let served = self.waiting.len();
                self.drain().await;
                self.waiting.drain(..served);
            }
        }
        self.drain().await;
    }

    /// Sends the spans that are in the queue now, batch after batch.
    async fn drain(&mut self) {
        let mut count = self.queue.len();
        while count > 0
            && let Some(batch) = self.queue.take()
        {
            count = count.saturating_sub(batch.count);
            self.export(batch).await;
        }
    }

    /// Waits for a full batch, for the time after which a smaller one goes, or for a flush. Says whether to go on.
    async fn fill(&mut self) -> bool {
        // Where spans keep coming, nobody has to tell of the first: what is there by this time goes.
        let mut deadline = Some(Instant::now() + self.batch.schedule_delay);
        while !self.queue.is_batch() {
            tokio::select! {
                biased;
                flush = self.flushes.recv() => {
                    let is_some = flush.is_some();
                    self.waiting.extend(flush);
                    return is_some;
                }
                () = self.queue.filled.notified() => {
                    deadline.get_or_insert_with(|| Instant::now() + self.batch.schedule_delay);
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    if !self.queue.tell_of_first() {
                        return true;
                    }
                    deadline = None;
                }
            }
        }
        true
    }

    /// Sends a batch; tries again until its time is up, or once more where a flush waits.
    async fn export(&mut self, mut batch: Batch) {
        let count = batch.count as u64;
        self.envelope.put_around(&mut batch);
        self.transport.finish(&mut batch);
        let message = Message::from_iter(batch.pieces);
        let give_up = Instant::now() + self.batch.export_timeout;
        let mut backoff = Duration::from_millis(500);
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            let (why, retry) = match self.transport.send(message.clone(), left).await {
                Ok(rejected) => return self.sent(count, rejected),
                Err(Failure::Refused { why }) => (why, None),
                Err(Failure::Retry { why, after }) => (why, Some(after.unwrap_or(jittered(backoff)))),
            };
            self.say_failing(&why);
            let Some(wait) = retry else {
                return dropped("rejected", count);
            };
            if !self.waiting.is_empty() || wait >= give_up.saturating_duration_since(Instant::now()) {
                return dropped("export_failed", count);
            }
            tokio::select! {
                () = sleep(wait) => {}
                Some(flush) = self.flushes.recv() => self.waiting.push(flush),
            }
            backoff = (backoff * 2).min(Duration::from_secs(10));
        }
    }

    fn sent(&mut self, count: u64, rejected: u64) {
        let rejected = rejected.min(count);
        metrics::counter!("seaworthy_spans_exported_total").increment(count - rejected);
        dropped("rejected", rejected);
        if rejected == count && count > 0 {
            return self.say_failing("the collector rejected all spans of a batch");
        }
        if self.outage.end() {
            let endpoint = &self.endpoint;
            logs::unmuted(|| {
                tracing::info!(
                    target: "seaworthy::telemetry",
                    { endpoint },
                    "spans reach the collector again"
                );
            });
        }
    }

    /// Warns, unless it did since the last batch that arrived, or too often.
    fn say_failing(&mut self, why: &str) {
        if !self.outage.fail(Instant::now()) {
            return;
        }
        let endpoint = &self.endpoint;
        logs::unmuted(|| {
            tracing::warn!(
                target: "seaworthy::telemetry",
                { endpoint, error = why },
                "spans don't reach the collector; the service goes on, and `seaworthy_spans_dropped_total` counts what is lost"
            );
        });
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.close();
    }
}

// === impl Envelope ===

impl Envelope {
    fn new(resource: &Resource) -> Self {
        let mut attributes = Vec::new();
        for (key, value) in resource {
            wire::attribute(&mut attributes, 1, key, Value::Text(value));
        }
        let mut name = Vec::new();
        wire::bytes(&mut name, 1, b"seaworthy");
        let mut envelope = Self { resource: Vec::new(), scope: Vec::new() };
        wire::bytes(&mut envelope.resource, 1, &attributes);
        wire::bytes(&mut envelope.scope, 1, &name);
        envelope
    }

    /// Makes an `ExportTraceServiceRequest` of spans.
    fn put_around(&self, batch: &mut Batch) {
        let scope = headed(2, &self.scope, batch.len);
        let mut head = headed(1, &self.resource, scope.len() + batch.len);
        head.extend(scope);
        batch.prepend(head);
    }
}

/// The beginning of a field that ends with what is not here.
fn headed(field: u32, begins: &[u8], rest: usize) -> Vec<u8> {
    let mut head = Vec::with_capacity(wire::MAX_HEAD + begins.len());
    wire::length(&mut head, field, begins.len() + rest);
    head.extend_from_slice(begins);
    head
}

/// Between half of it and all, so that a thousand processes don't come back at once.
fn jittered(wait: Duration) -> Duration {
    wait / 2 + wait / 2 * u32::from(random() as u8) / 255
}

fn dropped(reason: &'static str, spans: u64) {
    metrics::counter!("seaworthy_spans_dropped_total", "reason" => reason).increment(spans);
}

#[cfg(test)]
mod tests;
