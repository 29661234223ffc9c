//! The export of spans: a bounded queue, and a thread that sends what is in it.
//!
//! The SDK's own batch processor keeps to itself how many spans it dropped, needs a runtime that somebody else drives, and
//! says nothing where nothing arrives. Here the thread has a runtime of its own, so a service whose runtime is blocked or
//! gone still sends; a batch that fails is tried again until its time is up, while the queue takes what it can and counts
//! the rest; and a collector that can't be reached is one warning, with one line when it is back.

mod transport;

use std::{io, iter, mem, sync::mpsc as blocking, thread, time::Duration};

use bytes::Bytes;
use opentelemetry::Context;
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{common::tonic::ResourceAttributesWithSchema, trace::tonic::group_spans_by_resource_and_scope},
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{Span, SpanData, SpanProcessor},
};
use prost::Message;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::{Instant, sleep, sleep_until},
};

use self::transport::{Failure, Transport};
use super::{
    logs,
    settings::{BatchSettings, ExporterSettings},
};

/// Asks the thread to send what is in the queue now. Dropped once that is done.
type FlushRequest = blocking::SyncSender<()>;

/// The running exporter.
pub(crate) struct Exporter {
    flushes: mpsc::UnboundedSender<FlushRequest>,
}

/// Where ended spans go in.
#[derive(Debug)]
pub(crate) struct Queue {
    spans: mpsc::Sender<SpanData>,
    flushes: mpsc::UnboundedSender<FlushRequest>,
}

/// The other end of the queue.
struct Worker {
    spans: mpsc::Receiver<SpanData>,
    flushes: mpsc::UnboundedReceiver<FlushRequest>,
    transport: Transport,
    resource: ResourceAttributesWithSchema,
    batch: BatchSettings,
    endpoint: String,
    /// Whether the last attempt failed, and that was said.
    failing: bool,
    /// Flushes that wait for the batch at hand.
    waiting: Vec<FlushRequest>,
}

/// Starts the thread. Spans that go into the queue are sent.
pub(crate) fn start(settings: ExporterSettings, resource: &Resource) -> io::Result<(Exporter, Queue)> {
    let (spans, spans_out) = mpsc::channel(settings.batch.max_queue_size);
    let (flushes, flushes_out) = mpsc::unbounded_channel();
    metrics::counter!("seaworthy_spans_exported_total").increment(0);
    for reason in ["queue_full", "export_failed", "rejected"] {
        dropped(reason, 0);
    }
    let worker = Worker {
        spans: spans_out,
        flushes: flushes_out,
        endpoint: settings.shown_endpoint(),
        batch: settings.batch,
        transport: Transport::new(settings),
        resource: resource.into(),
        failing: false,
        waiting: Vec::new(),
    };
    thread::Builder::new().name("seaworthy-otlp".into()).spawn(|| worker.run_on_this_thread())?;
    let queue = Queue { spans, flushes: flushes.clone() };
    Ok((Exporter { flushes }, queue))
}

// === impl Exporter ===

impl Exporter {
    /// Waits until the spans that ended so far are sent or given up, at most this long. Says whether they are.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        flush(&self.flushes, within)
    }
}

fn flush(flushes: &mpsc::UnboundedSender<FlushRequest>, within: Duration) -> bool {
    let (done, wait) = blocking::sync_channel(1);
    flushes.send(done).is_err() || wait.recv_timeout(within) != Err(blocking::RecvTimeoutError::Timeout)
}

// === impl Queue ===

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        match self.spans.try_send(span) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => dropped("queue_full", 1),
            Err(TrySendError::Closed(_)) => dropped("export_failed", 1),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        let within = Duration::from_secs(5);
        if flush(&self.flushes, within) { Ok(()) } else { Err(OTelSdkError::Timeout(within)) }
    }

    /// The thread goes on until the process ends; spans that end after a shutdown are still sent if there is time.
    fn shutdown_with_timeout(&self, within: Duration) -> OTelSdkResult {
        if flush(&self.flushes, within) { Ok(()) } else { Err(OTelSdkError::Timeout(within)) }
    }
}

// === impl Worker ===

impl Worker {
    fn run_on_this_thread(self) {
        // Its HTTP client would otherwise log, and be traced, about the sending of logs and traces.
        logs::mute_thread();
        let _untraced = Context::enter_telemetry_suppressed_scope();
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

    /// Runs until the queue and the exporter are gone.
    async fn run(mut self) {
        let mut spans = Vec::new();
        while self.fill(&mut spans).await {
            self.export(mem::take(&mut spans)).await;
            while !self.waiting.is_empty() {
                // More flushes may come while these are served, and more spans, which are left for those.
                let served = self.waiting.len();
                self.drain(self.spans.len()).await;
                self.waiting.drain(..served);
            }
        }
    }

    /// Sends as many spans of the queue, batch after batch.
    async fn drain(&mut self, mut count: usize) {
        while count > 0 {
            let room = count.min(self.batch.max_export_batch_size);
            let spans: Vec<_> = iter::from_fn(|| self.spans.try_recv().ok()).take(room).collect();
            if spans.is_empty() {
                return;
            }
            count -= spans.len();
            self.export(spans).await;
        }
    }

    /// Waits for a full batch, for the time after which a smaller one goes, or for a flush. Says whether to go on.
    async fn fill(&mut self, spans: &mut Vec<SpanData>) -> bool {
        let most = self.batch.max_export_batch_size;
        let mut deadline = Instant::now();
        while spans.len() < most {
            let room = most - spans.len();
            let was_empty = spans.is_empty();
            tokio::select! {
                biased;
                Some(flush) = self.flushes.recv() => {
                    self.waiting.push(flush);
                    return true;
                }
                received = self.spans.recv_many(spans, room) => {
                    if received == 0 {
                        return !spans.is_empty();
                    }
                    if was_empty {
                        deadline = Instant::now() + self.batch.schedule_delay;
                    }
                }
                () = sleep_until(deadline), if !was_empty => return true,
            }
        }
        true
    }

    /// Sends a batch; tries again until its time is up, or once more where a flush waits.
    async fn export(&mut self, spans: Vec<SpanData>) {
        if spans.is_empty() {
            return;
        }
        let count = spans.len() as u64;
        let request =
            ExportTraceServiceRequest { resource_spans: group_spans_by_resource_and_scope(spans, &self.resource) };
        let body = Bytes::from(request.encode_to_vec());
        let give_up = Instant::now() + self.batch.export_timeout;
        let mut backoff = Duration::from_millis(500);
        loop {
            let (why, retry) = match self.transport.send(body.clone()).await {
                Ok(rejected) => return self.sent(count, rejected),
                Err(Failure::Refused { why }) => (why, None),
                Err(Failure::Retry { why, after }) => (why, Some(after.unwrap_or(jittered(backoff)))),
            };
            self.say_failing(&why);
            let Some(wait) = retry else {
                return dropped("rejected", count);
            };
            if !self.waiting.is_empty() || Instant::now() + wait >= give_up {
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
        if mem::take(&mut self.failing) {
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

    /// Warns, unless it did since the last batch that arrived.
    fn say_failing(&mut self, why: &str) {
        if mem::replace(&mut self.failing, true) {
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

/// Between half of it and all, so that a thousand processes don't come back at once.
fn jittered(wait: Duration) -> Duration {
    use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
    let [.., random] = RandomIdGenerator::default().new_span_id().to_bytes();
    wait / 2 + wait / 2 * u32::from(random) / 255
}

fn dropped(reason: &'static str, spans: u64) {
    metrics::counter!("seaworthy_spans_dropped_total", "reason" => reason).increment(spans);
}

#[cfg(test)]
mod tests;
