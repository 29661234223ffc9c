//! Trace context and baggage in the headers of requests: W3C's `traceparent`, `tracestate` and `baggage`.
//!
//! A service passes on what it was sent, and more than one hop trusts what it passes on: a header that is malformed, or
//! repeated where it must not be, counts as none. A `tracestate` is only as good as the `traceparent` beside it.
//!
//! The SDK's propagators parse into lists and maps that nobody here reads; this keeps the text.

use std::{
    borrow::Cow,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    settings::Propagator,
    traces::{Ids, stack, store},
};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// The limits that W3C sets.
const MAX_TRACESTATE_MEMBERS: usize = 32;
const MAX_BAGGAGE_MEMBERS: usize = 64;
const MAX_BAGGAGE_BYTES: usize = 8192;

/// Which formats are in use, for the whole process: a bit for each [`Propagator`].
static IN_USE: AtomicU8 = AtomicU8::new(0);

/// Sets the formats that are read and written.
pub(crate) fn set_propagators(propagators: &[Propagator]) {
    IN_USE.store(propagators.iter().fold(0, |bits, propagator| bits | bit(*propagator)), Ordering::Relaxed);
}

fn uses(propagator: Propagator) -> bool {
    IN_USE.load(Ordering::Relaxed) & bit(propagator) != 0
}

fn bit(propagator: Propagator) -> u8 {
    1 << propagator as u8
}

/// What travels with a trace besides its ids. Both may be empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) tracestate: String,
    pub(crate) baggage: String,
}

/// What a request came with.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    pub(crate) parent: Option<Ids>,
    pub(crate) carried: Option<Arc<Carried>>,
}

/// Where in a trace some code runs: what [`trace_id`](super::trace_id) and [`inject_context`] take from where they are
/// called, to be kept and used elsewhere, such as in a job that a queue takes over.
#[derive(Clone, Debug)]
pub struct TraceContext {
    ids: Ids,
    carried: Option<Arc<Carried>>,
}

/// Adds the current trace context and baggage to the headers of an outgoing request.
///
/// `traceparent`, `tracestate` and `baggage`, or what `OTEL_PROPAGATORS` asks for. Outside a trace, nothing.
///
/// ```
/// let mut headers = seaworthy::axum::http::HeaderMap::new();
/// seaworthy::telemetry::inject_context(&mut headers);
/// assert!(headers.is_empty()); // there is no trace here
/// ```
pub fn inject_context(headers: &mut HeaderMap) {
    if let Some(context) = TraceContext::current() {
        context.inject(headers);
    }
}

// === impl TraceContext ===

impl TraceContext {
    /// That of the current code; `None` outside a request.
    #[must_use]
    pub fn current() -> Option<Self> {
        let (ids, span) = stack::current(|entered| (entered.ids, entered.span.as_ref().map(|(id, _)| id.clone())))?;
        let carried = span.and_then(|id| store::with(&id, |data| data.carried.clone())).flatten();
        (ids.trace != 0).then_some(Self { ids, carried })
    }

    /// The trace's id, as 32 hex digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.ids.trace)
    }

    /// The id of the span that the code ran in, as 16 hex digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.ids.span)
    }

    /// Whether the trace is kept.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.ids.sampled
    }

    /// The baggage that came with the request, as its header has it: `key=value,key=value`.
    #[must_use]
    pub fn baggage(&self) -> &str {
        self.carried.as_ref().map_or("", |carried| &carried.baggage)
    }

    /// Adds it to the headers of an outgoing request, as [`inject_context`] does.
    pub fn inject(&self, headers: &mut HeaderMap) {
        let Self { ids, carried } = self;
        let mut set = |name, value: &str| {
            if !value.is_empty()
                && let Ok(value) = HeaderValue::try_from(value)
            {
                headers.insert(name, value);
            }
        };
        if uses(Propagator::TraceContext) {
            let mut parent = String::with_capacity(55);
            // Writing to a string can't fail.
            _ = write!(parent, "00-{:032x}-{:016x}-{:02x}", ids.trace, ids.span, u8::from(ids.sampled));
            set(TRACEPARENT, &parent);
            set(TRACESTATE, carried.as_ref().map_or("", |carried| &carried.tracestate));
        }
        if uses(Propagator::Baggage) {
            set(BAGGAGE, self.baggage());
        }
    }
}

/// What a request came with: its trace and its baggage, as far as they are valid.
pub(crate) fn extract_context(headers: &HeaderMap) -> Remote {
    let parent = if uses(Propagator::TraceContext) { parent(headers) } else { None };
    let tracestate = parent.and_then(|_| list(headers, &TRACESTATE)).filter(|text| is_tracestate(text));
    let baggage = if uses(Propagator::Baggage) { list(headers, &BAGGAGE) } else { None };
    let baggage = baggage.map(|text| valid_baggage(&text));
    let carried = Carried {
        tracestate: tracestate.map(Cow::into_owned).unwrap_or_default(),
        baggage: baggage.unwrap_or_default(),
    };
    Remote { parent, carried: (carried != Carried::default()).then(|| Arc::new(carried)) }
}

/// The parent, if there is exactly one.
fn parent(headers: &HeaderMap) -> Option<Ids> {
    let first = headers.get(&TRACEPARENT)?;
    if headers.get_all(&TRACEPARENT).iter().nth(1).is_some() {
        return None;
    }
    parse_traceparent(first.to_str().ok()?.trim())
}

/// A list that may be spread over several headers. One that can't be read makes the whole list unusable.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    headers.get(name)?;
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.try_fold(Cow::Borrowed(first), |list, value| Some(Cow::Owned(format!("{list},{}", value.to_str().ok()?))))
}

/// `version-traceid-parentid-flags` in lower-case hex of the right lengths. A future version may have more behind a dash.
fn parse_traceparent(text: &str) -> Option<Ids> {
    let bytes = text.as_bytes();
    let (version, rest) = (bytes.get(..2)?, bytes.get(55..)?);
    let ends = match version {
        b"00" => rest.is_empty(),
        b"ff" => false,
        _ => rest.is_empty() || rest.starts_with(b"-"),
    };
    let dashes = [2, 35, 52].into_iter().all(|at| bytes[at] == b'-');
    if !ends || !dashes {
        return None;
    }
    hex(version)?;
    let (trace, span, flags) = (hex(&bytes[3..35])?, hex(&bytes[36..52])?, hex(&bytes[53..55])?);
    (trace != 0 && span != 0).then_some(Ids { trace, span: span as u64, sampled: flags & 1 == 1 })
}

fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// `key=value` members, none twice. One that is wrong makes the whole list unusable, as W3C has it.
fn is_tracestate(text: &str) -> bool {
    let mut keys = Vec::new();
    for member in text.split(',').map(str::trim).filter(|member| !member.is_empty()) {
        let Some((key, value)) = member.split_once('=') else { return false };
        let key_of = |part: &str, most: usize| {
            (1..=most).contains(&part.len())
                && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
        };
        let good_key = match key.split_once('@') {
            Some((tenant, system)) => key_of(tenant, 241) && key_of(system, 14),
            None => key_of(key, 256),
        };
        let good_value = (1..=256).contains(&value.len())
            && value.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'=' && b != b',');
        if !good_key || !good_value || keys.contains(&key) {
            return false;
        }
        keys.push(key);
    }
    (1..=MAX_TRACESTATE_MEMBERS).contains(&keys.len())
}

/// The members that are `key=value`, with their properties, up to the limits.
fn valid_baggage(text: &str) -> String {
    let mut valid = String::new();
    let members = text.split(',').map(str::trim).filter(|member| is_baggage(member));
    for member in members.take(MAX_BAGGAGE_MEMBERS) {
        if valid.len() + 1 + member.len() > MAX_BAGGAGE_BYTES {
            break;
        }
        if !valid.is_empty() {
            valid.push(',');
        }
        valid.push_str(member);
    }
    valid
}

fn is_baggage(member: &str) -> bool {
    let is_token = |key: &str| {
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let is_value = |value: &str| value.bytes().all(|b| (0x20..0x7f).contains(&b) && !b"\"\\,".contains(&b));
    member.split_once('=').is_some_and(|(key, value)| is_token(key.trim()) && is_value(value))
}

#[cfg(test)]
mod tests;
