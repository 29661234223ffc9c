//! Spans, to assert on.

use std::collections::BTreeMap;

use opentelemetry_sdk::trace::SpanData;

use crate::telemetry::finished_spans;

/// A span that ended in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// Its name, such as `GET /hello/{name}`.
    pub name: String,
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
    /// 16 hex digits; sixteen zeros where there is no parent.
    pub parent_span_id: String,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
}

/// The spans of each trace that has one whose server listens on this port.
pub(super) fn of_port(port: u16) -> Vec<Span> {
    let spans: Vec<Span> = finished_spans().into_iter().map(Span::from).collect();
    let port = port.to_string();
    let traces: Vec<String> = spans
        .iter()
        .filter(|span| span.attributes.get("server.port") == Some(&port))
        .map(|span| span.trace_id.clone())
        .collect();
    spans.into_iter().filter(|span| traces.contains(&span.trace_id)).collect()
}

impl From<SpanData> for Span {
    fn from(span: SpanData) -> Self {
        let attributes =
            span.attributes.iter().map(|pair| (pair.key.to_string(), pair.value.as_str().into_owned())).collect();
        Self {
            name: span.name.into_owned(),
            trace_id: span.span_context.trace_id().to_string(),
            span_id: span.span_context.span_id().to_string(),
            parent_span_id: span.parent_span_id.to_string(),
            attributes,
        }
    }
}
