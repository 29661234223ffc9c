//! Trace context and baggage in the headers of requests: W3C's `traceparent`, `tracestate` and `baggage`.
//!
//! A service passes on what it was sent, and more than one hop trusts what it passes on: a header that is malformed, or
//! repeated where it must not be, counts as none; of baggage, the members that are well-formed go on. A `tracestate` is
//! only as good as the `traceparent` beside it, and never the other way round.
//!
//! By [Trace Context Level 2](https://www.w3.org/TR/trace-context-2/) and [Baggage](https://www.w3.org/TR/baggage/).
//!
//! The SDK's propagators parse into lists and maps that nobody here reads; this keeps the text.

use std::{
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

/// The flags of `traceparent`. Others are reserved, and not passed on.
const SAMPLED: u8 = 1;
const RANDOM: u8 = 2;

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
            // Nothing, where it would be of another trace: the caller may have copied all headers.
            match HeaderValue::try_from(value) {
                Ok(value) if !value.is_empty() => _ = headers.insert(name, value),
                _ => _ = headers.remove(name),
            }
        };
        if uses(Propagator::TraceContext) {
            let mut parent = String::with_capacity(55);
            // Writing to a string can't fail.
            _ = write!(parent, "00-{:032x}-{:016x}-{:02x}", ids.trace, ids.span, flags(*ids));
            set(TRACEPARENT, &parent);
            set(TRACESTATE, carried.as_ref().map_or("", |carried| &carried.tracestate));
        }
        if uses(Propagator::Baggage) && !self.baggage().is_empty() {
            set(BAGGAGE, self.baggage());
        }
    }
}

/// What a request came with: its trace and its baggage, as far as they are valid.
pub(crate) fn extract_context(headers: &HeaderMap) -> Remote {
    let parent = if uses(Propagator::TraceContext) { parent(headers) } else { None };
    let carried = Carried {
        tracestate: parent.and_then(|_| tracestate(headers)).unwrap_or_default(),
        baggage: if uses(Propagator::Baggage) { baggage(headers) } else { String::new() },
    };
    Remote { parent, carried: (carried != Carried::default()).then(|| Arc::new(carried)) }
}

/// The parent, if there is exactly one.
fn parent(headers: &HeaderMap) -> Option<Ids> {
    let mut all = headers.get_all(&TRACEPARENT).iter();
    let (Some(one), None) = (all.next(), all.next()) else { return None };
    parse_traceparent(one.as_bytes().trim_ascii())
}

/// `version-traceid-parentid-flags` in lower-case hex of the right lengths. A future version may have more behind a dash.
fn parse_traceparent(text: &[u8]) -> Option<Ids> {
    let (version, rest) = (text.get(..2)?, text.get(55..)?);
    let ends = match version {
        b"00" => rest.is_empty(),
        b"ff" => false,
        _ => rest.is_empty() || rest.starts_with(b"-"),
    };
    let dashes = [2, 35, 52].into_iter().all(|at| text[at] == b'-');
    if !ends || !dashes {
        return None;
    }
    hex(version)?;
    let (trace, span, flags) = (hex(&text[3..35])?, hex(&text[36..52])?, hex(&text[53..55])? as u8);
    let ids = Ids { trace, span: span as u64, sampled: flags & SAMPLED != 0, random: flags & RANDOM != 0 };
    (trace != 0 && span != 0).then_some(ids)
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

/// W3C's flags of a span, which OTLP has too.
pub(super) fn flags(ids: Ids) -> u8 {
    (u8::from(ids.sampled) * SAMPLED) | (u8::from(ids.random) * RANDOM)
}

/// The members of a list, which may be spread over several headers.
fn members(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(name).into_iter();
    let members = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// How long a list can be, at most.
fn length(headers: &HeaderMap, name: HeaderName) -> usize {
    headers.get_all(name).iter().map(|value| value.len() + 1).sum()
}

/// Adds a member to a list. It is ASCII.
fn push(list: &mut String, member: &[u8]) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(str::from_utf8(member).unwrap_or_default());
}

/// The state, as it was sent. A member that is wrong, or one too many, makes the whole list unusable; of those with the same
/// key the first counts, which is the newest.
fn tracestate(headers: &HeaderMap) -> Option<String> {
    let mut list = String::with_capacity(length(headers, TRACESTATE));
    let mut keys: [&[u8]; MAX_TRACESTATE_MEMBERS] = [b""; MAX_TRACESTATE_MEMBERS];
    for (number, member) in members(headers, TRACESTATE).enumerate() {
        let key = key_of_state(member)?;
        let is_new = !keys.contains(&key);
        *keys.get_mut(number)? = key;
        if is_new {
            push(&mut list, member);
        }
    }
    Some(list)
}

/// The key of a member of the state, if it is `key=value`.
fn key_of_state(member: &[u8]) -> Option<&[u8]> {
    let (key, value) = split_once(member, b'=')?;
    let is_key = matches!(key.first(), Some(b'a'..=b'z' | b'0'..=b'9'))
        && key.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@'));
    let is_value = !value.is_empty() && value.iter().all(|byte| matches!(byte, 0x20..0x7f) && *byte != b'=');
    (is_key && is_value && key.len() <= 256 && value.len() <= 256).then_some(key)
}

/// The members that are well-formed, as they were sent, up to the limits.
fn baggage(headers: &HeaderMap) -> String {
    let mut list = String::with_capacity(length(headers, BAGGAGE).min(MAX_BAGGAGE_BYTES));
    let members = members(headers, BAGGAGE).filter(|member| is_baggage(member));
    for member in members.take(MAX_BAGGAGE_MEMBERS) {
        if list.len() + usize::from(!list.is_empty()) + member.len() <= MAX_BAGGAGE_BYTES {
            push(&mut list, member);
        }
    }
    list
}

/// `key=value;property;property`, where a property is a key or `key=value` too.
fn is_baggage(member: &[u8]) -> bool {
    let is_key = |key: &[u8]| {
        !key.is_empty() && key.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
    };
    let is_value = |value: &[u8]| value.iter().all(|byte| byte.is_ascii_graphic() && !b"\"\\,;".contains(byte));
    let mut parts = member.split(|byte| *byte == b';').enumerate();
    parts.all(|(number, part)| match split_once(part, b'=') {
        Some((key, value)) => is_key(key.trim_ascii()) && is_value(value.trim_ascii()),
        None => number > 0 && is_key(part.trim_ascii()),
    })
}

fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests;
