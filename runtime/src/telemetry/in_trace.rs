//! Runs code as the handler of a request, for tests that look at the spans within.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{future::Future, io, sync::Arc};

use http::StatusCode;
use tracing::{Instrument, Span};

use crate::telemetry::{
    Ending, FinishedSpan, PeerTelemetry, RouteTelemetry, ServerRequest, finished_spans,
    logs::{Filter, Format, Logs, Writer},
    propagation::set_propagators,
    settings::{Propagator, SamplerChoice},
    traces::{Sink, Tracing, ids::new_trace_id},
};

/// Gives what the code gives, and the spans of its trace, the request's own last. The request came with
/// `tracestate: a=1` and `baggage: tenant=7`.
pub(crate) fn in_trace<T>(sampled: bool, code: impl Future<Output = T>) -> (T, Vec<FinishedSpan>) {
    set_propagators(&[Propagator::TraceContext, Propagator::Baggage]);
    let trace = format!("{:032x}", new_trace_id());
    let logs = Logs::new(Format::Json, Writer::to(io::sink()));
    let subscriber = Tracing::new(SamplerChoice::ParentBasedAlwaysOn, Sink::none(), Filter::all(), logs);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let output = tracing::subscriber::with_default(subscriber, || {
        let request = http::Request::get("/")
            .header("traceparent", format!("00-{trace}-b7ad6b7169203331-0{}", u8::from(sampled)))
            .header("tracestate", "a=1")
            .header("baggage", "tenant=7")
            .body(())
            .unwrap();
        let peer = PeerTelemetry::new("10.0.0.1:8080".parse().unwrap(), "10.0.0.2:50000".parse().unwrap());
        let mut request = ServerRequest::begin(&request, &Arc::new(RouteTelemetry::new(None)), &peer);
        let span = {
            let _inside = request.enter();
            Span::current()
        };
        let output = runtime.block_on(code.instrument(span));
        request.end(Ending::Answered, Some(StatusCode::OK));
        output
    });
    (output, finished_spans().into_iter().filter(|span| span.trace_id == trace).collect())
}
