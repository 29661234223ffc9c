use opentelemetry::trace::{SpanKind, TraceId};
use opentelemetry_sdk::{Resource, trace::SpanData};
use tracing::Instrument;
use tracing_subscriber::{Layer, layer::SubscriberExt};

use super::*;
use crate::telemetry::{
    propagation::propagator,
    settings::{Propagator, SamplerChoice},
    trace_id,
    traces::{self, SpanFilter, collected},
};

const PARENT: &str = "00-{trace}-b7ad6b7169203331-01";

struct Greet;

impl crate::Handler for Greet {
    const NAME: &'static str = "greet";
    const FUNCTION: &'static str = "shop::greet";
}

/// Runs the code with traces, and gives the spans of the trace that it names.
fn spans(trace: u128, code: impl FnOnce()) -> Vec<SpanData> {
    opentelemetry::global::set_text_map_propagator(propagator(&[Propagator::TraceContext, Propagator::Baggage]));
    let resource = Resource::builder_empty().build();
    let provider = traces::provider(SamplerChoice::ParentBasedAlwaysOn, resource)
        .with_span_processor(collected::Collector)
        .build();
    let layer = traces::layer(&provider).with_filter(SpanFilter);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), code);
    collected::finished_spans()
        .into_iter()
        .filter(|span| span.span_context.trace_id() == TraceId::from(trace))
        .collect()
}

fn begin(trace: u128, request: http::request::Builder, route: Option<&str>) -> ServerRequest {
    let parent = PARENT.replace("{trace}", &format!("{trace:032x}"));
    let request = request.header("traceparent", parent);
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let local = "10.0.0.1:8080".parse().unwrap();
    let peer = "10.0.0.2:50000".parse().unwrap();
    ServerRequest::begin(&parts, route, local, peer)
}

fn get(path: &str) -> http::request::Builder {
    http::Request::get(path)
}

fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let mut found = span.attributes.iter().filter(|a| a.key.as_str() == name);
    let value = found.next().map(|attribute| attribute.value.to_string());
    assert!(found.next().is_none(), "{name} is there twice");
    value
}

#[test]
fn the_server_span() {
    let spans = spans(0xa1, || {
        let request = begin(0xa1, get("/hello/you"), Some("/hello/{name}"));
        request.span().in_scope(|| {
            assert_eq!(trace_id().unwrap(), format!("{:032x}", 0xa1));
        });
        request.end(Ending::Answered, Some(StatusCode::OK));
        assert_eq!(trace_id(), None);
    });
    let [span] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(span.name, "GET /hello/{name}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(span.parent_span_is_remote);
    assert_eq!(span.status, Status::Unset);
    assert_eq!(attribute(span, "http.response.status_code").unwrap(), "200");
    assert_eq!(attribute(span, "http.route").unwrap(), "/hello/{name}");
    assert_eq!(attribute(span, "error.type"), None);
    assert_eq!(attribute(span, "target"), None);
    assert!(span.events.is_empty());
}

#[test]
fn how_it_ended() {
    use Ending::*;
    let ends = [
        (Answered, Some(404), None),
        (Answered, Some(500), Some("500")),
        (Panicked, Some(500), Some("panic")),
        (TimedOut, Some(503), Some("timeout")),
        (Shed, Some(503), Some("shed")),
        (Cut, Some(503), Some("cut")),
        (Cancelled, None, Some("cancelled")),
    ];
    for (number, (ending, status, error)) in ends.into_iter().enumerate() {
        let trace = 0xb0 + number as u128;
        let spans = spans(trace, || {
            let status = status.map(|code| StatusCode::from_u16(code).unwrap());
            begin(trace, get("/"), None).end(ending, status);
        });
        let [span] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!(span.name, "GET");
        assert_eq!(attribute(span, "error.type").as_deref(), error, "{ending:?}");
        assert_eq!(attribute(span, "http.response.status_code"), status.map(|code| code.to_string()));
        let failed = matches!(span.status, Status::Error { .. });
        assert_eq!(failed, error.is_some());
    }
}

#[test]
fn dropped_it_was_cancelled() {
    let spans = spans(0xc1, || drop(begin(0xc1, get("/"), Some("/"))));
    assert_eq!(spans.len(), 1);
    assert_eq!(attribute(&spans[0], "error.type").unwrap(), "cancelled");
}

#[test]
fn a_task_left_behind_does_not_hold_the_span() {
    let spans = spans(0xc2, || {
        let request = begin(0xc2, get("/"), Some("/"));
        let left = request.span().clone();
        request.end(Ending::Answered, Some(StatusCode::OK));
        let ended = collected::finished_spans();
        let trace = TraceId::from(0xc2_u128);
        assert!(ended.iter().any(|s| s.span_context.trace_id() == trace));
        drop(left);
    });
    assert_eq!(spans.len(), 1);
}

/// As `#[handler]` writes it: the span begins with the body.
async fn failure(fields: &[crate::http::Field<'_>]) -> Result<(), &'static str> {
    let span = crate::http::handler::handler_span::<Greet>(fields);
    let body = async { Err("no such guest") };
    crate::http::handler::handle::<Greet, _>(span, body, |output| output.err().map(str::to_owned)).await
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn the_span_of_a_handler() {
    let spans = spans(0xd1, || {
        let request = begin(0xd1, get("/"), Some("/"));
        let span = request.span().clone();
        let fields: [crate::http::Field<'_>; 1] = [("guest", &"you")];
        _ = block_on(failure(&fields).instrument(span));
        request.end(Ending::Answered, Some(StatusCode::NOT_FOUND));
    });
    let handler = spans.iter().find(|span| span.name == "greet").unwrap();
    let server = spans.iter().find(|span| span.name == "GET /").unwrap();
    assert_eq!(handler.span_kind, SpanKind::Internal);
    assert_eq!(handler.parent_span_id, server.span_context.span_id());
    assert_eq!(attribute(handler, "code.function.name").unwrap(), "shop::greet");
    assert_eq!(attribute(handler, "guest").unwrap(), "you");
    assert!(handler.events.is_empty());
    assert_eq!(spans.len(), 2);
}

/// What the code logs.
#[derive(Clone, Default)]
struct Records(std::sync::Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Records {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!(" {}={value:?}", field.name()));
            }
        }
        let mut text = Text(format!("{} {} {:?}", event.metadata().level(), event.metadata().target(), trace_id()));
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }
}

fn records(code: impl FnOnce()) -> Vec<String> {
    let records = Records::default();
    let resource = Resource::builder_empty().build();
    let provider = traces::provider(SamplerChoice::AlwaysOff, resource).build();
    let subscriber =
        tracing_subscriber::registry().with(traces::layer(&provider).with_filter(SpanFilter)).with(records.clone());
    tracing::subscriber::with_default(subscriber, code);
    std::mem::take(&mut records.0.lock().unwrap())
}

#[test]
fn a_failure_is_one_record_at_the_level_of_its_status() {
    for (status, level) in [(404, "INFO"), (500, "ERROR"), (503, "ERROR")] {
        let records = records(|| {
            let request = begin(0xe1, get("/"), Some("/"));
            _ = block_on(failure(&[]).instrument(request.span().clone()));
            request.end(Ending::Answered, StatusCode::from_u16(status).ok());
        });
        let of_handler: Vec<_> = records.iter().filter(|record| record.contains("seaworthy::handler")).collect();
        assert_eq!(of_handler.len(), 1, "{records:?}");
        assert!(of_handler[0].starts_with(level), "{of_handler:?}");
        assert!(of_handler[0].contains("no such guest"));
        assert!(of_handler[0].contains("code.function.name=\"shop::greet\""));
        // Not sampled, and yet there is an id.
        assert!(of_handler[0].contains("Some("), "{of_handler:?}");
    }
}

#[test]
fn a_failure_outside_a_request_is_recorded_at_once() {
    let records = records(|| _ = block_on(failure(&[])));
    assert_eq!(records.len(), 1);
    assert!(records[0].starts_with("ERROR seaworthy::handler"));
}

#[test]
fn the_access_line() {
    let records = records(|| {
        begin(0xe3, get("/hello/you?secret=1"), Some("/hello/{name}"))
            .end(Ending::Answered, Some(StatusCode::INTERNAL_SERVER_ERROR));
    });
    let line = &records[0];
    assert!(line.starts_with("INFO seaworthy::access Some("), "{line}");
    for part in [
        "message=GET /hello/{name} 500",
        "http.request.method=\"GET\"",
        "http.route=\"/hello/{name}\"",
        "url.path=\"/hello/you\"",
        "http.response.status_code=500",
        "http.server.request.duration=",
        "error.type=\"500\"",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("secret"));
    assert!(!line.contains("method_original"));
}
