use std::{io::Write, sync::Mutex, time::Duration};

use serde_json::Value as Json;
use tracing::{Instrument, Span};

use super::*;
use crate::telemetry::{
    logs::{Filter, Format, Logs, Writer},
    propagation::set_propagators,
    settings::{Propagator, SamplerChoice},
    trace_id,
    traces::{
        Sink, Tracing,
        collected::{self, FinishedSpan},
    },
};

const PARENT: &str = "00-{trace}-b7ad6b7169203331-01";

struct Greet;

impl crate::Handler for Greet {
    const NAME: &'static str = "greet";
    const FUNCTION: &'static str = "shop::greet";
}

/// What the code logs, and leaves as spans.
fn run(sampler: SamplerChoice, code: impl FnOnce()) -> Vec<Json> {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    set_propagators(&[Propagator::TraceContext, Propagator::Baggage]);
    let lines = Lines::default();
    let writer = Writer::to(lines.clone());
    let logs = Logs::new(Format::Json, Arc::clone(&writer));
    tracing::subscriber::with_default(Tracing::new(sampler, Sink::none(), Filter::all(), logs), code);
    assert!(writer.flush(Duration::from_secs(10)));
    let bytes = lines.0.lock().unwrap();
    str::from_utf8(&bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs the code with traces, and gives the spans of the trace that it names.
fn spans(trace: u128, code: impl FnOnce()) -> Vec<FinishedSpan> {
    run(SamplerChoice::ParentBasedAlwaysOn, code);
    finished(trace)
}

fn finished(trace: u128) -> Vec<FinishedSpan> {
    let trace = format!("{trace:032x}");
    collected::finished_spans().into_iter().filter(|span| span.trace_id == trace).collect()
}

fn begin(trace: u128, request: http::request::Builder, route: Option<&str>) -> ServerRequest {
    let parent = PARENT.replace("{trace}", &format!("{trace:032x}"));
    let request = request.header("traceparent", parent);
    let request = request.body(()).unwrap();
    let local = "10.0.0.1:8080".parse().unwrap();
    let peer = "10.0.0.2:50000".parse().unwrap();
    ServerRequest::begin(&request, &Arc::new(RouteTelemetry::new(route)), &PeerTelemetry::new(local, peer))
}

/// The span of a request, as its handler sees it.
fn span_in(request: &ServerRequest) -> Span {
    let _inside = request.enter();
    Span::current()
}

fn get(path: &str) -> http::request::Builder {
    http::Request::get(path)
}

fn attribute(span: &FinishedSpan, name: &str) -> Option<String> {
    assert_eq!(span.count, span.attributes.len(), "one is there twice");
    span.attributes.get(name).cloned()
}

#[test]
fn the_server_span() {
    let spans = spans(0xa1, || {
        let mut request = begin(0xa1, get("/hello/you"), Some("/hello/{name}"));
        let inside = request.enter();
        assert_eq!(trace_id().unwrap(), format!("{:032x}", 0xa1));
        drop(inside);
        request.end(Ending::Answered, Some(StatusCode::OK));
        assert_eq!(trace_id(), None);
    });
    let [span] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(span.name, "GET /hello/{name}");
    assert_eq!(span.kind, 2);
    assert_eq!(span.parent_span_id, "b7ad6b7169203331");
    assert!(!span.is_error);
    assert_eq!(attribute(span, "http.response.status_code").unwrap(), "200");
    assert_eq!(attribute(span, "http.route").unwrap(), "/hello/{name}");
    assert_eq!(attribute(span, "error.type"), None);
    assert_eq!(attribute(span, "target"), None);
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
        assert_eq!(span.is_error, error.is_some());
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
        let mut request = begin(0xc2, get("/"), Some("/"));
        let left = span_in(&request);
        request.end(Ending::Answered, Some(StatusCode::OK));
        assert_eq!(finished(0xc2).len(), 1);
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
        let mut request = begin(0xd1, get("/"), Some("/"));
        let span = span_in(&request);
        let fields: [crate::http::Field<'_>; 1] = [("guest", &"you")];
        _ = block_on(failure(&fields).instrument(span));
        request.end(Ending::Answered, Some(StatusCode::NOT_FOUND));
    });
    let handler = spans.iter().find(|span| span.name == "greet").unwrap();
    let server = spans.iter().find(|span| span.name == "GET /").unwrap();
    assert_eq!(handler.kind, 1);
    assert_eq!(handler.parent_span_id, server.span_id);
    assert_eq!(attribute(handler, "code.function.name").unwrap(), "shop::greet");
    assert_eq!(attribute(handler, "guest").unwrap(), "you");
    assert_eq!(spans.len(), 2);
}

/// What the code logs, where nothing is sampled.
fn records(code: impl FnOnce()) -> Vec<Json> {
    run(SamplerChoice::AlwaysOff, code)
}

#[test]
fn a_failure_is_one_record_at_the_level_of_its_status() {
    for (status, level) in [(404, "INFO"), (500, "ERROR"), (503, "ERROR")] {
        let records = records(|| {
            let mut request = begin(0xe1, get("/"), Some("/"));
            _ = block_on(failure(&[]).instrument(span_in(&request)));
            request.end(Ending::Answered, StatusCode::from_u16(status).ok());
        });
        let of_handler: Vec<_> = records.iter().filter(|record| record["target"] == "seaworthy::handler").collect();
        assert_eq!(of_handler.len(), 1, "{records:?}");
        assert_eq!(of_handler[0]["level"], level);
        assert_eq!(of_handler[0]["message"], "no such guest");
        assert_eq!(of_handler[0]["code.function.name"], "shop::greet");
        assert_eq!(of_handler[0]["http.response.status_code"], status);
        // Not sampled, and yet there is an id.
        assert_eq!(of_handler[0]["trace_id"], format!("{:032x}", 0xe1));
        let access = records.iter().find(|record| record["target"] == "seaworthy::access").unwrap();
        assert_ne!(of_handler[0]["span_id"], access["span_id"], "it is that of the handler's span");
    }
    assert_eq!(finished(0xe1), []);
}

#[test]
fn a_failure_outside_a_request_is_recorded_at_once() {
    let records = records(|| _ = block_on(failure(&[])));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["level"], "ERROR");
    assert_eq!(records[0]["target"], "seaworthy::handler");
}

#[test]
fn a_failure_after_the_answer_is_recorded_at_once() {
    let records = records(|| {
        let mut request = begin(0xe2, get("/"), Some("/"));
        let left = failure(&[]).instrument(span_in(&request));
        request.end(Ending::Answered, Some(StatusCode::OK));
        _ = block_on(left);
    });
    let targets: Vec<_> = records.iter().map(|record| record["target"].as_str().unwrap()).collect();
    assert_eq!(targets, ["seaworthy::access", "seaworthy::handler"]);
    assert_eq!(records[1]["trace_id"], format!("{:032x}", 0xe2));
}

#[test]
fn the_access_line() {
    let records = records(|| {
        begin(0xe3, get("/hello/y\"ou?secret=1"), Some("/hello/{name}"))
            .end(Ending::Answered, Some(StatusCode::INTERNAL_SERVER_ERROR));
        begin(0xe4, http::Request::builder().method("BREW").uri("/nothing"), None).end(Ending::Cancelled, None);
    });
    let [line, cancelled] = &records[..] else { panic!("{records:?}") };
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["target"], "seaworthy::access");
    assert_eq!(line["trace_id"], format!("{:032x}", 0xe3));
    assert_eq!(line["message"], "GET /hello/{name} 500");
    assert_eq!(line["http.request.method"], "GET");
    assert_eq!(line["http.route"], "/hello/{name}");
    assert_eq!(line["url.path"], "/hello/y\"ou");
    assert_eq!(line["http.response.status_code"], 500);
    assert_eq!(line["error.type"], "500");
    assert!(line["http.server.request.duration"].is_f64());
    assert!(!line.to_string().contains("secret"));
    assert!(line.get("http.request.method_original").is_none());
    assert_eq!(cancelled["message"], "HTTP cancelled");
    assert_eq!(cancelled["http.request.method_original"], "BREW");
    assert!(cancelled.get("http.route").is_none());
    assert!(cancelled.get("http.response.status_code").is_none());
}

#[test]
fn another_subscriber_gets_the_line_as_an_event() {
    #[derive(Clone, Default)]
    struct Targets(Arc<Mutex<Vec<&'static str>>>);
    impl tracing::Subscriber for Targets {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
            tracing::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            self.0.lock().unwrap().push(event.metadata().target());
        }
        fn enter(&self, _: &tracing::Id) {}
        fn exit(&self, _: &tracing::Id) {}
    }
    let targets = Targets::default();
    tracing::subscriber::with_default(targets.clone(), || {
        let mut request = begin(0xe5, get("/"), Some("/"));
        _ = block_on(failure(&[]).instrument(span_in(&request)));
        request.end(Ending::Answered, Some(StatusCode::OK));
    });
    assert_eq!(*targets.0.lock().unwrap(), ["seaworthy::handler", "seaworthy::access"]);
}
