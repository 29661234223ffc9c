//! Spans, to assert on.

use std::collections::BTreeMap;

use crate::telemetry::{FinishedSpan, finished_spans};

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

impl From<FinishedSpan> for Span {
    fn from(span: FinishedSpan) -> Self {
        let FinishedSpan { name, trace_id, span_id, parent_span_id, attributes, .. } = span;
        Self { name, trace_id, span_id, parent_span_id, attributes }
    }
}
