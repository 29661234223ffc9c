//! W3C trace context and baggage, in and out.
//!
//! The SDK's propagators read one value a header and take traces that the specification refuses, so headers go through
//! [`Incoming`] first: a malformed or repeated `traceparent` counts as none, lists in several headers are one list.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapCompositePropagator, TextMapPropagator},
};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use super::settings::Propagator;

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
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&Context::current(), &mut Outgoing(headers));
    });
}

/// The context that a request came with: its trace and its baggage, as far as they are valid.
pub(crate) fn extract_context(headers: &HeaderMap) -> Context {
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), &Incoming::new(headers))
    })
}

/// The propagators that were asked for, as one.
pub(crate) fn propagator(propagators: &[Propagator]) -> TextMapCompositePropagator {
    TextMapCompositePropagator::new(
        propagators
            .iter()
            .map(|propagator| -> Box<dyn TextMapPropagator + Send + Sync> {
                match propagator {
                    Propagator::TraceContext => Box::new(TraceContextPropagator::new()),
                    Propagator::Baggage => Box::new(BaggagePropagator::new()),
                }
            })
            .collect(),
    )
}

struct Outgoing<'a>(&'a mut HeaderMap);

/// The headers of a request, where they are valid.
struct Incoming<'a> {
    traceparent: Option<&'a str>,
    tracestate: Option<Cow<'a, str>>,
    baggage: Option<Cow<'a, str>>,
}

// === impl Outgoing ===

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        // The SDK writes an empty `tracestate` where there is none.
        if value.is_empty() {
            return;
        }
        if let (Ok(key), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(key, value);
        }
    }
}

// === impl Incoming ===

impl<'a> Incoming<'a> {
    fn new(headers: &'a HeaderMap) -> Self {
        let mut parents = headers.get_all("traceparent").iter();
        let traceparent = match (parents.next(), parents.next()) {
            (Some(value), None) => value.to_str().ok().map(str::trim).filter(|text| is_traceparent(text)),
            _ => None,
        };
        Self { traceparent, tracestate: list(headers, "tracestate"), baggage: list(headers, "baggage") }
    }
}

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.traceparent,
            "tracestate" => self.tracestate.as_deref(),
            "baggage" => self.baggage.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate", "baggage"]
    }
}

/// A list that may be spread over several headers. One that can't be read makes the whole list unusable.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.try_fold(Cow::Borrowed(first), |list, value| Some(Cow::Owned(format!("{list},{}", value.to_str().ok()?))))
}

/// `version-traceid-parentid-flags` in lower-case hex of the right lengths. A future version may have more behind a dash.
fn is_traceparent(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hex = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
    };
    let dash = |at: usize| bytes.get(at) == Some(&b'-');
    let end = if text.starts_with("00") {
        bytes.len() == 55
    } else {
        !text.starts_with("ff") && (bytes.len() == 55 || dash(55))
    };
    end && hex(0..2) && dash(2) && hex(3..35) && dash(35) && hex(36..52) && dash(52) && hex(53..55)
}

#[cfg(test)]
mod tests {
    use opentelemetry::{baggage::BaggageExt, trace::TraceContextExt};

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn extract(headers: &[(&'static str, &str)]) -> Context {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).fold(
            HeaderMap::new(),
            |mut map, (name, value)| {
                map.append(name, value);
                map
            },
        );
        propagator(&[Propagator::TraceContext, Propagator::Baggage])
            .extract_with_context(&Context::new(), &Incoming::new(&headers))
    }

    fn trace_of(headers: &[(&'static str, &str)]) -> Option<String> {
        let context = extract(headers);
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| span.trace_id().to_string())
    }

    #[test]
    fn a_valid_parent_is_taken() {
        assert_eq!(trace_of(&[("traceparent", PARENT)]).unwrap(), TRACE);
        let future = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-ever";
        assert_eq!(trace_of(&[("traceparent", future)]).unwrap(), TRACE);
    }

    #[test]
    fn a_malformed_or_repeated_parent_counts_as_none() {
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.extra",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        ] {
            assert_eq!(trace_of(&[("traceparent", bad)]), None, "{bad}");
        }
        assert_eq!(trace_of(&[("traceparent", PARENT), ("traceparent", PARENT)]), None);
    }

    #[test]
    fn lists_over_several_headers_are_one() {
        let context = extract(&[
            ("traceparent", PARENT),
            ("tracestate", "a=1"),
            ("tracestate", "b=2"),
            ("baggage", "user=7"),
            ("baggage", "tenant=x"),
        ]);
        let span = context.span();
        assert_eq!(span.span_context().trace_state().header(), "a=1,b=2");
        assert_eq!(context.baggage().get("user").unwrap().as_str(), "7");
        assert_eq!(context.baggage().get("tenant").unwrap().as_str(), "x");
    }

    #[test]
    fn it_goes_out_as_it_came_in() {
        let context = extract(&[("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "user=7")]);
        let mut headers = HeaderMap::new();
        propagator(&[Propagator::TraceContext, Propagator::Baggage])
            .inject_context(&context, &mut Outgoing(&mut headers));
        assert_eq!(headers["traceparent"], PARENT);
        assert_eq!(headers["tracestate"], "a=1");
        assert_eq!(headers["baggage"], "user=7");

        let mut none = HeaderMap::new();
        propagator(&[]).inject_context(&context, &mut Outgoing(&mut none));
        assert!(none.is_empty());
    }
}
