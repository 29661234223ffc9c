//! The spans that the runtime makes itself, for each request and each handler.
//!
//! They are spans of `tracing` to all code in them, but made and entered without the way through its dispatcher, which costs
//! more than all that is kept of them. Where somebody else listens, they go that way: a subscriber that is not ours, or a
//! filter that follows spans.

use std::{ptr, sync::OnceLock};

use tracing::{
    Dispatch, Id, Level, Metadata, Span, Subscriber as _, dispatcher::SetGlobalDefaultError, span::EnteredSpan,
    subscriber::Interest,
};
use tracing_core::{Callsite, Kind, metadata};

use super::{
    Ids, Tracing,
    span::Encoded,
    stack::{self, Entered},
    store,
};
use crate::telemetry::{clock::Moment, logs::FilterLayer, propagation::Remote};

/// The target of the spans of requests, which are begun after they are made.
pub(super) const REQUEST: &str = "seaworthy::request";
/// That of the spans of handlers.
const HANDLER: &str = "seaworthy::handler";

static DISPATCH: OnceLock<Dispatch> = OnceLock::new();
/// The subscriber of the process, if it is ours.
static INSTALLED: OnceLock<(&'static Tracing, FilterLayer)> = OnceLock::new();

/// A span of the runtime's own. It ends when it is dropped, at the latest.
pub(crate) struct OwnSpan {
    /// Where others are to know of it.
    span: Option<Span>,
    /// Where it is known to a subscriber of ours.
    place: Option<Entered>,
}

/// Within a span, until it is dropped.
#[must_use]
pub(crate) struct Inside {
    id: Option<Id>,
    _span: Option<EnteredSpan>,
}

/// What `tracing` knows of a kind of span. Nobody filters them.
struct Place(&'static Metadata<'static>);

macro_rules! place {
    ($place:ident, $name:literal, $target:expr) => {
        static $place: Place = Place({
            static METADATA: Metadata<'static> = metadata! {
                name: $name,
                target: $target,
                level: Level::INFO,
                fields: &[],
                callsite: &$place,
                kind: Kind::SPAN
            };
            &METADATA
        });
    };
}

place!(REQUEST_PLACE, "request", REQUEST);
place!(HANDLER_PLACE, "handler", HANDLER);

/// Makes it the subscriber of the process.
pub(crate) fn install(subscriber: impl Into<Dispatch>, filter: FilterLayer) -> Result<(), SetGlobalDefaultError> {
    let dispatch = DISPATCH.get_or_init(|| subscriber.into());
    tracing::dispatcher::set_global_default(dispatch.clone())?;
    if let Some(tracing) = dispatch.downcast_ref() {
        _ = INSTALLED.set((tracing, filter));
    }
    Ok(())
}

/// The subscriber, where nobody else is to know of a span.
fn alone() -> Option<&'static Tracing> {
    let (tracing, filter) = INSTALLED.get()?;
    (!filter.follows_spans()).then_some(*tracing)
}

/// Whether nobody but this subscriber is to know of spans.
pub(super) fn is_alone(subscriber: &Tracing) -> bool {
    alone().is_some_and(|alone| ptr::eq(alone, subscriber))
}

// === impl OwnSpan ===

impl OwnSpan {
    /// Begins that of a request. The attributes are asked for if it is recorded.
    pub(crate) fn request(remote: Remote, started: Moment, attributes: impl FnOnce(&mut Encoded)) -> Self {
        let begin = |tracing: &Tracing, id: &Id| {
            let ids = tracing.begin_request(id, REQUEST_PLACE.0, remote, started, attributes);
            Entered { span: Some((id.clone(), REQUEST_PLACE.0)), ids }
        };
        if let Some(tracing) = alone() {
            return Self { span: None, place: store::insert().map(|id| begin(tracing, &id)) };
        }
        let span = tracing::info_span!(target: REQUEST, parent: None, "request");
        Self { place: Tracing::of(&span, begin), span: Some(span) }
    }

    /// Begins that of a handler, in the span that this is called in.
    pub(crate) fn handler(name: &'static str, function: &'static str, attributes: Option<&Encoded>) -> Self {
        if let Some(tracing) = alone() {
            // What nobody keeps or sees needs no place of its own: all in it has the ids of the request.
            if stack::current_ids().is_some_and(|ids| !ids.sampled) {
                return Self { span: None, place: None };
            }
            let begin = |id| {
                let ids = tracing.begin_handler(&id, HANDLER_PLACE.0, name, function, attributes);
                Entered { span: Some((id, HANDLER_PLACE.0)), ids }
            };
            return Self { span: None, place: store::insert().map(begin) };
        }
        let span = tracing::info_span!(target: HANDLER, "handler", otel.name = name, code.function.name = function);
        let place = Tracing::of(&span, |_, id| {
            store::with(id, |data| {
                if let Some(attributes) = attributes.filter(|_| data.is_recorded) {
                    data.encoded.fields(attributes);
                }
                Entered { span: Some((id.clone(), HANDLER_PLACE.0)), ids: data.ids }
            })
        });
        Self { span: Some(span), place: place.flatten() }
    }

    /// `None` where a subscriber other than ours is installed.
    pub(crate) fn ids(&self) -> Option<Ids> {
        self.place.as_ref().map(|place| place.ids)
    }

    /// Calls the function if the span is known to a subscriber of ours.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&Tracing, &Id) -> T) -> Option<T> {
        let (id, _) = self.place.as_ref()?.span.as_ref()?;
        match &self.span {
            Some(span) => Tracing::of(span, |tracing, _| call(tracing, id)),
            None => INSTALLED.get().map(|(tracing, _)| call(tracing, id)),
        }
    }

    /// What is logged and begun until the guard is dropped is in the span.
    pub(crate) fn enter(&self) -> Inside {
        if let Some(span) = &self.span {
            return Inside { id: None, _span: Some(span.clone().entered()) };
        }
        let Some(place) = &self.place else { return Inside { id: None, _span: None } };
        stack::enter(place.clone());
        Inside { id: place.id(), _span: None }
    }
}

impl Drop for OwnSpan {
    fn drop(&mut self) {
        if self.span.is_none() {
            self.with(|tracing, id| tracing.try_close(id.clone()));
        }
    }
}

// === impl Inside ===

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            stack::exit(id);
        }
    }
}

// === impl Place ===

impl Callsite for Place {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.0
    }
}
