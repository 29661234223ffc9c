//! The spans that the runtime makes itself, for each request, each handler and each operation of a database.
//!
//! They are spans of `tracing` to all code in them, but made and entered without the way through its dispatcher, which
//! costs more than all that is kept of them. They go that way where the process has a subscriber that is not ours.

#[cfg(any(feature = "postgres", feature = "redis"))]
use std::fmt;
use std::sync::OnceLock;

use tracing::{
    Dispatch, Id, Level, Metadata, Span, Subscriber as _, dispatcher::SetGlobalDefaultError, span::EnteredSpan,
    subscriber::Interest,
};
use tracing_core::{Callsite, Kind, metadata};

use super::{
    Ids, Tracing,
    span::{self, Encoded, SpanData},
    stack::{self, Entered},
    store,
};
use crate::telemetry::{clock::Moment, propagation::Remote, request::Failure};

/// The target of the spans of requests, which are begun after they are made.
pub(super) const REQUEST: &str = "seaworthy::request";
/// That of the spans of handlers.
const HANDLER: &str = "seaworthy::handler";
/// That of the spans of operations.
#[cfg(any(feature = "postgres", feature = "redis"))]
const DATABASE: &str = "seaworthy::database";

static DISPATCH: OnceLock<Dispatch> = OnceLock::new();
/// The subscriber of the process, if it is ours.
static INSTALLED: OnceLock<&'static Tracing> = OnceLock::new();

/// A span of the runtime's own. It ends when it is dropped, at the latest.
pub(crate) struct OwnSpan {
    /// Where others are to know of it.
    span: Option<Span>,
    /// Where it is known to a subscriber of ours.
    place: Option<Entered>,
}

/// Within a span, until it is dropped.
#[must_use]
pub(crate) enum Inside {
    /// There is no span.
    Nothing,
    /// One that is on the stack of this thread.
    Own(Id),
    /// One of `tracing`.
    Other(#[expect(dead_code, reason = "it leaves the span when it is dropped")] EnteredSpan),
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
#[cfg(any(feature = "postgres", feature = "redis"))]
place!(OPERATION_PLACE, "operation", DATABASE);

/// Makes it the subscriber of the process.
pub(crate) fn install(subscriber: Tracing) -> Result<(), SetGlobalDefaultError> {
    let dispatch = DISPATCH.get_or_init(|| Dispatch::new(subscriber));
    tracing::dispatcher::set_global_default(dispatch.clone())?;
    if let Some(tracing) = dispatch.downcast_ref() {
        _ = INSTALLED.set(tracing);
    }
    Ok(())
}

/// The subscriber of the process, if it is ours.
pub(crate) fn installed() -> Option<&'static Tracing> {
    INSTALLED.get().copied()
}

// === impl OwnSpan ===

impl OwnSpan {
    /// Begins that of a request. The attributes are asked for if it is recorded.
    pub(crate) fn request(remote: Remote, started: Moment, attributes: impl FnOnce(&mut Encoded)) -> Self {
        let begin = |tracing: &Tracing, id: &Id, data: &mut SpanData| {
            let ids = tracing.begin_request(id, data, REQUEST_PLACE.0, remote, started, attributes);
            Entered { span: Some((id.clone(), REQUEST_PLACE.0)), ids }
        };
        if let Some(tracing) = installed() {
            return Self { span: None, place: store::insert_with(|id, data| begin(tracing, id, data)) };
        }
        let span = tracing::info_span!(target: REQUEST, parent: None, "request");
        let place = Tracing::of(&span, |tracing, id| store::with(id, |data| begin(tracing, id, data)));
        Self { place: place.flatten(), span: Some(span) }
    }

    /// Begins that of a handler, in the span that this is called in.
    pub(crate) fn handler(name: &'static str, function: &'static str, attributes: Option<&Encoded>) -> Self {
        if let Some(tracing) = installed() {
            // What nobody keeps or sees needs no place of its own: all in it has the ids of the request.
            if stack::current_ids().is_some_and(|ids| !ids.sampled) {
                return Self { span: None, place: None };
            }
            let begin = |id| {
                let ids = tracing.begin_own(&id, HANDLER_PLACE.0, |span| {
                    span.name(name);
                    span.kind(span::Kind::Internal);
                    span.function(function);
                    if let Some(attributes) = attributes {
                        span.fields(attributes);
                    }
                });
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

    /// Begins that of an operation of a database, in the span that this is called in. The attributes, without its name and
    /// its kind, are asked for if it is recorded.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(crate) fn operation(name: fmt::Arguments<'_>, attributes: impl FnOnce(&mut Encoded)) -> Self {
        if let Some(tracing) = installed() {
            if stack::current_ids().is_some_and(|ids| !ids.sampled) {
                return Self { span: None, place: None };
            }
            let begin = |id| {
                let ids = tracing.begin_own(&id, OPERATION_PLACE.0, |span| {
                    span.name(&name.to_string());
                    span.kind(span::Kind::Client);
                    attributes(span);
                });
                Entered { span: Some((id, OPERATION_PLACE.0)), ids }
            };
            return Self { span: None, place: store::insert().map(begin) };
        }
        let name = name.to_string();
        let span = tracing::info_span!(target: DATABASE, "operation", otel.name = name, otel.kind = "client");
        let place = Tracing::of(&span, |_, id| {
            store::with(id, |data| {
                if data.is_recorded {
                    attributes(&mut data.encoded);
                }
                Entered { span: Some((id.clone(), OPERATION_PLACE.0)), ids: data.ids }
            })
        });
        Self { span: Some(span), place: place.flatten() }
    }

    /// Ends it, whatever still holds on to it.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(crate) fn end(&self, now: Moment, attributes: impl FnOnce(&mut Encoded)) {
        if let Some(Entered { span: Some((id, _)), .. }) = &self.place {
            self.with(|tracing| tracing.end_early(id, now, attributes));
        }
    }

    /// `None` where a subscriber other than ours is installed.
    pub(crate) fn ids(&self) -> Option<Ids> {
        self.place.as_ref().map(|place| place.ids)
    }

    /// Calls the function if the span is known, or was, to a subscriber of ours.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&Tracing) -> T) -> Option<T> {
        match (&self.span, &self.place) {
            (None, Some(_)) => installed().map(call),
            (Some(span), _) => Tracing::of(span, |tracing, _| call(tracing)),
            (None, None) => None,
        }
    }

    /// Ends that of a request, of which only the ids are left. Gives the failures of its handlers.
    pub(crate) fn end_request(&mut self, now: Moment, attributes: impl FnOnce(&mut Encoded)) -> Vec<Failure> {
        let span = self.place.as_mut().and_then(|place| place.span.take());
        let failures = span.and_then(|(id, _)| {
            if self.span.is_some() {
                // The span of `tracing` lets go of it once more.
                store::hold(&id);
            }
            self.with(|tracing| tracing.end_request(&id, now, attributes))
        });
        failures.unwrap_or_default()
    }

    /// What is logged and begun until the guard is dropped is in the span.
    pub(crate) fn enter(&self) -> Inside {
        match (&self.span, &self.place) {
            (Some(span), _) => Inside::Other(span.clone().entered()),
            (None, Some(place @ Entered { span: Some((id, _)), .. })) => {
                stack::enter(place.clone());
                Inside::Own(id.clone())
            }
            (None, _) => Inside::Nothing,
        }
    }
}

impl Drop for OwnSpan {
    fn drop(&mut self) {
        if self.span.is_none()
            && let Some((id, _)) = self.place.as_mut().and_then(|place| place.span.take())
        {
            self.with(|tracing| tracing.try_close(id));
        }
    }
}

// === impl Inside ===

impl Drop for Inside {
    fn drop(&mut self) {
        if let Self::Own(id) = self {
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
