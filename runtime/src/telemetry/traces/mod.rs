//! Traces: what of `tracing`'s spans becomes a span of OpenTelemetry, and the subscriber that makes it so.
//!
//! Traces are followed in every process, also where nothing is exported: ids are made, logged and passed on in any
//! case, and an operator who adds a collector changes nothing but what is kept.
//!
//! None of this is the OpenTelemetry SDK, whose spans hold a list of owned names and values, are built before a sampler
//! is asked, and are built again for the exporter; with `tracing-opentelemetry` and the registry beneath it, a request
//! of two spans costs many times what its handler does. Here a span is encoded once, as it happens (see `span`), in
//! memory that is used again (see `store`), and not at all where nobody keeps it. One subscriber for spans and logs
//! does without the registry's per-layer filters.
//!
//! The spans of requests and handlers take a shorter way than through `tracing` (see `own`), to the same places: the
//! `stack` of each thread that is in them, and [`Sink`] at their end.

pub(crate) mod ids;
mod own;
mod sampler;
pub(crate) mod span;
pub(crate) mod stack;
pub(crate) mod store;

#[cfg(any(test, feature = "testing"))]
pub(crate) mod collected;
#[cfg(test)]
mod tests;

use std::{mem, sync::Arc};

use tracing::{
    Event, Level, Metadata, Span, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_core::span::Current;

pub(crate) use self::{
    ids::Ids,
    own::{Inside, OwnSpan, install, installed},
};
use self::{
    ids::{new_span_id, new_trace_and_span},
    span::{Encoded, FieldVisitor, Kind, Parent, SpanData},
    stack::Entered,
};
use super::{
    clock::Moment,
    logs::{self, Filter, Logs},
    propagation::{Carried, Remote},
    request::Failure,
    settings::SamplerChoice,
};

/// Crates whose spans tell of the machinery, not of the service. Those of an exporter would be exported by it again.
const MACHINERY: &[&str] = &["h2", "hyper", "hyper_util", "opentelemetry", "opentelemetry_sdk"];

/// The subscriber: what `tracing` tells it of spans becomes spans of OpenTelemetry, and of events lines.
pub(crate) struct Tracing {
    sampler: SamplerChoice,
    sink: Sink,
    pub(crate) filter: Filter,
    pub(crate) logs: Logs,
}

/// Where spans go that ended.
pub(crate) struct Sink {
    #[cfg(feature = "otlp")]
    pub(crate) queue: Option<Arc<super::export::Queue>>,
}

/// What a span has of the one above.
struct Inherited {
    ids: Ids,
    carried: Option<Arc<Carried>>,
    request: Option<Id>,
}

/// Whether a span becomes one of OpenTelemetry, whatever `RUST_LOG` says: from `INFO` up. Events become log records,
/// not span events.
pub(crate) fn is_recorded(metadata: &Metadata<'_>) -> bool {
    let is_machinery = |target: &str| {
        MACHINERY
            .iter()
            .filter_map(|origin| target.strip_prefix(origin))
            .any(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    metadata.is_span() && *metadata.level() <= Level::INFO && !is_machinery(metadata.target())
}

/// The ids of a span; `None` where it is not ours.
pub(crate) fn ids_of(id: &Id) -> Option<Ids> {
    store::with(id, |data| data.ids).filter(|ids| ids.trace != 0)
}

// === impl Tracing ===

impl Tracing {
    pub(crate) fn new(sampler: SamplerChoice, sink: Sink, filter: Filter, logs: Logs) -> Self {
        Self { sampler, sink, filter, logs }
    }

    /// Whether a span is recorded, or an event becomes a line.
    fn is_wanted(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() { is_recorded(metadata) } else { self.filter.is_wanted(metadata) }
    }

    /// Calls the function if the span is known to a subscriber of ours.
    pub(crate) fn of<T>(span: &Span, call: impl FnOnce(&Self, &Id) -> T) -> Option<T> {
        span.with_subscriber(|(id, dispatch)| dispatch.downcast_ref::<Self>().map(|tracing| call(tracing, id)))
            .flatten()
    }

    /// Begins the span of a request. The attributes, its name among them, are asked for if it is recorded.
    fn begin_request(
        &self,
        id: &Id,
        data: &mut SpanData,
        metadata: &'static Metadata<'static>,
        remote: Remote,
        started: Moment,
        attributes: impl FnOnce(&mut Encoded),
    ) -> Ids {
        let Remote { parent, carried } = remote;
        let ids = self.ids(parent, parent);
        data.metadata = Some(metadata);
        data.ids = ids;
        data.request = Some(id.clone());
        data.takes_failures = true;
        data.is_recorded = ids.sampled && self.sink.is_on();
        if data.is_recorded {
            data.started = Some(started);
            let parent = parent.map(|parent| Parent { span: parent.span, is_remote: true });
            data.encoded.begin(ids, parent, carried.as_deref(), started);
            attributes(&mut data.encoded);
        }
        data.carried = carried;
        ids
    }

    /// Begins a span of the runtime's own, in what this thread is in. It is described if it is recorded.
    fn begin_own(&self, id: &Id, metadata: &'static Metadata<'static>, describe: impl FnOnce(&mut Encoded)) -> Ids {
        let parent = stack::current_span();
        let above = parent.as_ref().and_then(Inherited::of);
        let ids = self.ids(above.as_ref().map(|above| above.ids), None);
        let started = (ids.sampled && self.sink.is_on()).then(Moment::now);
        store::with(id, |data| {
            if let Some(now) = started {
                data.encoded.begin_child(ids, above.as_ref(), now);
                describe(&mut data.encoded);
            }
            data.begin(metadata, parent, ids, started, above);
        });
        ids
    }

    /// Ends a span, whatever still holds on to it.
    #[cfg(any(feature = "http-client", feature = "postgres", feature = "redis"))]
    pub(crate) fn end_early(&self, id: &Id, now: Moment, attributes: impl FnOnce(&mut Encoded)) {
        store::with(id, |data| self.end_with(data, now, attributes));
    }

    /// Ends the span of a request and lets go of it, whatever else holds on to it. Gives the failures of its handlers.
    fn end_request(&self, id: &Id, now: Moment, attributes: impl FnOnce(&mut Encoded)) -> Vec<Failure> {
        let failures = store::finish(id, |data| {
            self.end_with(data, now, attributes);
            data.takes_failures = false;
            mem::take(&mut data.failures)
        });
        failures.unwrap_or_default()
    }

    fn end_with(&self, data: &mut SpanData, now: Moment, attributes: impl FnOnce(&mut Encoded)) {
        if data.is_recorded {
            attributes(&mut data.encoded);
            self.end(data, now);
        }
    }

    fn end(&self, data: &mut SpanData, now: Moment) {
        data.encoded.end(data.started, now);
        self.sink.take(&data.encoded.0);
        data.is_recorded = false;
    }

    /// The ids of a new span. Where nothing local is above, the sampler decides, and may ask what a remote parent said.
    fn ids(&self, above: Option<Ids>, remote: Option<Ids>) -> Ids {
        let (trace, span, random) = match above {
            Some(above) => (above.trace, new_span_id(), above.random),
            None => {
                let (trace, span) = new_trace_and_span();
                (trace, span, true)
            }
        };
        let sampled = match above {
            Some(above) if remote.is_none() => above.sampled,
            _ => sampler::is_sampled(self.sampler, trace, remote) && !logs::is_muted(),
        };
        Ids { trace, span, sampled, random }
    }

    fn parent(attributes: &Attributes<'_>) -> Option<Id> {
        if attributes.is_contextual() { stack::current_span() } else { attributes.parent().cloned() }
    }

    /// Encodes a new span, outside of the store: this formats what is the user's.
    fn encode(
        mut encoded: Encoded,
        attributes: &Attributes<'_>,
        ids: Ids,
        above: Option<&Inherited>,
        now: Moment,
    ) -> Encoded {
        encoded.begin_child(ids, above, now);
        encoded.name(attributes.metadata().name());
        encoded.kind(Kind::Internal);
        attributes.record(&mut FieldVisitor(&mut encoded));
        encoded
    }
}

impl Subscriber for Tracing {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_wanted(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.is_wanted(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.max_level().max(LevelFilter::INFO))
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let metadata = attributes.metadata();
        let Some(id) = store::insert() else {
            // More spans than ids: the store knows none by this one.
            return Id::from_u64(u64::MAX);
        };
        if metadata.target() == own::REQUEST {
            store::with(&id, |data| data.metadata = Some(metadata));
            return id;
        }
        let parent = Self::parent(attributes);
        let above = parent.as_ref().and_then(Inherited::of);
        let ids = self.ids(above.as_ref().map(|above| above.ids), None);
        let is_recorded = ids.sampled && self.sink.is_on();
        let mut started = None;
        let mut encoded = None;
        if is_recorded {
            let now = Moment::now();
            let memory = store::with(&id, |data| mem::take(&mut data.encoded)).unwrap_or_default();
            encoded = Some(Self::encode(memory, attributes, ids, above.as_ref(), now));
            started = Some(now);
        }
        store::with(&id, |data| {
            data.begin(metadata, parent, ids, started, above);
            if let Some(encoded) = encoded {
                data.encoded = encoded;
            }
        });
        id
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        if store::with(id, |data| data.is_recorded) == Some(true) {
            let mut encoded = Encoded::default();
            values.record(&mut FieldVisitor(&mut encoded));
            store::with(id, |data| data.encoded.update(&encoded));
        }
    }

    /// Another cause is a link, as in `tracing-opentelemetry`.
    fn record_follows_from(&self, id: &Id, follows: &Id) {
        if let Some(follows) = ids_of(follows) {
            store::with(id, |data| {
                if data.is_recorded {
                    data.encoded.link(follows);
                }
            });
        }
    }

    fn event(&self, event: &Event<'_>) {
        self.logs.event(event);
    }

    fn enter(&self, id: &Id) {
        let entered = store::with(id, |data| {
            data.metadata.map(|metadata| Entered { span: Some((id.clone(), metadata)), ids: data.ids })
        });
        if let Some(entered) = entered.flatten() {
            stack::enter(entered);
        }
    }

    fn exit(&self, id: &Id) {
        stack::exit(id);
    }

    fn clone_span(&self, id: &Id) -> Id {
        store::hold(id);
        id.clone()
    }

    fn current_span(&self) -> Current {
        stack::current(|entered| entered.span.clone())
            .flatten()
            .map_or_else(Current::none, |(id, metadata)| Current::new(id, metadata))
    }

    fn try_close(&self, id: Id) -> bool {
        let closed = store::release(&id, |data| {
            if data.is_recorded {
                self.end(data, Moment::now());
            }
            data.parent.take()
        });
        let is_closed = closed.is_some();
        if let Some(parent) = closed.flatten() {
            self.try_close(parent);
        }
        is_closed
    }
}

// === impl Inherited ===

impl Inherited {
    /// Of a span, which is held on to for the one below. `None` where it is in no trace.
    fn of(parent: &Id) -> Option<Self> {
        store::hold(parent);
        let inherited = store::with(parent, |data| Self {
            ids: data.ids,
            carried: data.carried.clone(),
            request: data.request.clone(),
        });
        inherited.filter(|inherited| inherited.ids.trace != 0)
    }
}

// === impl Sink ===

impl Sink {
    /// Nowhere, but for tests to look at.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self {
            #[cfg(feature = "otlp")]
            queue: None,
        }
    }

    /// Whether anybody wants spans.
    fn is_on(&self) -> bool {
        #[cfg(feature = "otlp")]
        let is_exported = self.queue.is_some();
        #[cfg(not(feature = "otlp"))]
        let is_exported = false;
        #[cfg(any(test, feature = "testing"))]
        let is_kept = collected::is_wanted();
        #[cfg(not(any(test, feature = "testing")))]
        let is_kept = false;
        is_exported || is_kept
    }

    /// Takes a span that ended.
    fn take(&self, encoded: &[u8]) {
        #[cfg(any(test, feature = "testing"))]
        collected::keep(encoded);
        #[cfg(feature = "otlp")]
        if let Some(queue) = &self.queue {
            queue.push(encoded);
        }
        #[cfg(not(any(test, feature = "testing", feature = "otlp")))]
        let _ = encoded;
    }
}
