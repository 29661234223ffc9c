//! Others that a service works with, as they are: a collector, Prometheus, and services with OpenTelemetry's own SDK.

use std::{
    collections::BTreeMap,
    io,
    process::Command,
    thread,
    time::{Duration, SystemTime},
};

use seaworthy::testing::{Connection, Process, ProcessBuilder};
use serde_json::{Value, json};

use crate::support::{
    collector::{Collector, Span, one},
    fixture, metric,
    prometheus::Prometheus,
    tools, workspace,
};

const PROTOCOLS: [&str; 2] = ["http/protobuf", "grpc"];
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// The fixture with its traces sent to a collector.
fn traced(collector: &Collector, protocol: &str) -> ProcessBuilder {
    fixture()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint(protocol))
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
}

/// Asks as a traced caller, with these flags.
fn ask(process: &Process, path: &str, flags: &str, headers: &[(&str, &str)]) -> u16 {
    let parent = format!("00-{TRACE}-{PARENT}-{flags}");
    let headers = [&[("traceparent", parent.as_str())], headers].concat();
    process.connect().request("GET", path, &headers, b"").unwrap().status
}

#[test]
fn a_collector_gets_the_spans_of_a_request_over_http_and_over_grpc() {
    for protocol in PROTOCOLS {
        let collector = Collector::start();
        let process = traced(&collector, protocol).spawn();
        process.wait_ready();
        let headers = [("user-agent", "ferry/1"), ("tracestate", "a=1"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(ask(&process, "/nested/7?sig=abc", "01", &headers), 200);
        let port = process.http_addr().port();
        let line = process.wait_for_log(|line| line["message"] == "looking");
        // Those that are left are sent when it stops.
        process.assert_contract();
        let spans = collector.finish(3);
        assert_eq!(spans.len(), 3, "{protocol}: probes are not traced: {spans:#?}");

        let server = one(&spans, "GET /nested/{item}");
        let handler = one(&spans, "nested");
        let nested = one(&spans, "look up");
        for (span, kind, parent) in
            [(server, "SERVER", PARENT), (handler, "INTERNAL", server.id()), (nested, "INTERNAL", handler.id())]
        {
            assert_eq!((span.trace(), span.kind(), span.parent()), (TRACE, kind, parent), "{protocol}: {span:#?}");
            assert_eq!(span.field("TraceState"), "a=1");
            assert_eq!(span.field("Status code"), "", "it is left unset");
            assert_eq!(span.scope, "seaworthy");
            assert!(span.others.is_empty(), "an event is a log record, not one of the span: {span:#?}");
        }
        let attributes = [
            ("client.address", "Str(203.0.113.9)"),
            ("http.request.method", "Str(GET)"),
            ("http.response.status_code", "Int(200)"),
            ("http.route", "Str(/nested/{item})"),
            ("network.peer.address", "Str(127.0.0.1)"),
            ("network.protocol.version", "Str(1.1)"),
            ("server.address", "Str(127.0.0.1)"),
            ("server.port", &format!("Int({port})")),
            ("url.path", "Str(/nested/7)"),
            ("url.query", "Str(sig=REDACTED)"),
            ("url.scheme", "Str(http)"),
            ("user_agent.original", "Str(ferry/1)"),
        ];
        assert_eq!(server.attributes, map(&attributes), "{protocol}");
        assert_eq!(handler.attributes, map(&[("code.function.name", "Str(fixture::traced::nested)")]));
        assert_eq!(nested.attributes, map(&[("found", "Bool(true)"), ("item", "Int(7)")]));
        assert_lasted(&[nested, handler, server]);
        assert_eq!(
            (&line["trace_id"], &line["span_id"]),
            (&json!(TRACE), &json!(nested.id())),
            "an event is of its span"
        );
    }
}

#[test]
fn a_collector_is_told_what_failed() {
    let collector = Collector::start();
    let process = traced(&collector, "grpc").spawn();
    process.wait_ready();
    for (path, status) in [("/error", 500), ("/panic", 500), ("/made/up", 404)] {
        assert_eq!(process.get(path).status, status);
    }
    assert_eq!(process.connect().request("BREW", "/fast", &[], b"").unwrap().status, 405);
    process.assert_contract();
    let spans = collector.finish(6);
    let statuses =
        [("GET /error", "500", "500"), ("GET /panic", "500", "panic"), ("GET", "404", ""), ("HTTP /fast", "405", "")];
    for (name, status, error) in statuses {
        let span = one(&spans, name);
        assert_eq!(span.parent(), "", "{span:#?}");
        assert_eq!(span.attributes["http.response.status_code"], format!("Int({status})"));
        let expected = (!error.is_empty()).then(|| format!("Str({error})"));
        assert_eq!(span.attributes.get("error.type"), expected.as_ref(), "{span:#?}");
        let code = if error.is_empty() { "" } else { "STATUS_CODE_ERROR" };
        assert_eq!(span.field("Status code"), code, "{span:#?}");
    }
    assert_eq!(one(&spans, "HTTP /fast").attributes["http.request.method_original"], "Str(BREW)");
    assert!(!one(&spans, "GET").attributes.contains_key("http.route"), "nothing matched");
}

#[test]
fn a_collector_is_told_of_requests_that_no_handler_answered() {
    let collector = Collector::start();
    let process = traced(&collector, "grpc").env("MAX_IN_FLIGHT", "1").env("REQUEST_TIMEOUT", "1s").spawn();
    process.wait_ready();
    let in_flight = |count: f64| {
        process.wait_until("so many are in flight", || {
            metric(&process.admin("/metrics"), "http_server_active_requests", &[]) == count
        });
    };
    let mut late = process.connect();
    late.send("GET", "/slow?ms=60000", &[], b"").unwrap();
    in_flight(1.0);
    assert_eq!(process.get("/fast").status, 503);
    assert_eq!(late.receive().unwrap().status, 503);
    let mut leaving = process.connect();
    leaving.send("GET", "/stream?ms=60000", &[], b"").unwrap();
    leaving.head().unwrap();
    drop(leaving);
    in_flight(0.0);
    process.assert_contract();
    let spans = collector.finish(5);
    for (name, error) in [("GET /slow", "timeout"), ("GET /fast", "shed"), ("GET /stream", "cancelled")] {
        let span = one(&spans, name);
        assert_eq!(span.attributes["error.type"], format!("Str({error})"));
        assert_eq!(span.field("Status code"), "STATUS_CODE_ERROR", "{span:#?}");
    }
    assert_eq!(one(&spans, "GET /slow").attributes["http.response.status_code"], "Int(503)");
}

#[test]
fn a_collector_is_told_of_http_2() {
    let collector = Collector::start();
    let process = traced(&collector, "http/protobuf").spawn();
    process.wait_ready();
    let url = format!("http://{}/hello/Ada", process.http_addr());
    let parent = format!("traceparent: 00-{TRACE}-{PARENT}-01");
    let mut curl = Command::new(tools::installed("curl", "curl"));
    let said = tools::check(curl.args(["-s", "--http2-prior-knowledge", "-H", &parent, &url]), "");
    assert_eq!(said, "Hello, Ada!");
    let port = process.http_addr().port();
    process.assert_contract();
    let spans = collector.finish(2);
    let span = one(&spans, "GET /hello/{name}");
    assert_eq!((span.trace(), span.parent()), (TRACE, PARENT));
    for (name, value) in [
        ("network.protocol.version", "Str(2)"),
        ("server.address", "Str(127.0.0.1)"),
        ("server.port", &format!("Int({port})")),
        ("url.scheme", "Str(http)"),
        ("url.path", "Str(/hello/Ada)"),
    ] {
        assert_eq!(span.attributes[name], value, "{name}");
    }
}

#[test]
fn a_collector_is_told_who_sends() {
    for protocol in PROTOCOLS {
        let collector = Collector::start();
        let process = traced(&collector, protocol)
            .env("OTEL_SERVICE_NAME", "ferry")
            .env("OTEL_RESOURCE_ATTRIBUTES", "team=a%2Cb,service.name=other,deployment.environment.name=prod")
            .env("KUBERNETES_SERVICE_HOST", "10.0.0.1")
            .env("LAME_DUCK", "0s")
            .env("POD_NAMESPACE", "shop")
            .env("POD_NAME", "ferry-7d9")
            .env("CONTAINER_NAME", "main")
            .spawn();
        process.wait_ready();
        assert_eq!(process.get("/fast").status, 200);
        process.assert_contract();
        let version = format!("Str({})", env!("CARGO_PKG_VERSION"));
        let resource = [
            ("deployment.environment.name", "Str(prod)"),
            ("k8s.container.name", "Str(main)"),
            ("k8s.namespace.name", "Str(shop)"),
            ("k8s.pod.name", "Str(ferry-7d9)"),
            ("service.instance.id", "Str(shop.ferry-7d9.main)"),
            ("service.name", "Str(ferry)"),
            ("service.version", &version),
            ("team", "Str(a,b)"),
            ("telemetry.sdk.language", "Str(rust)"),
            ("telemetry.sdk.name", "Str(seaworthy)"),
            ("telemetry.sdk.version", &version),
        ];
        for span in collector.finish(2) {
            assert_eq!(span.resource, map(&resource), "{protocol}");
        }
    }
}

#[test]
fn a_request_that_is_not_sampled_by_its_caller_is_not_sent() {
    let collector = Collector::start();
    let process = traced(&collector, "grpc").spawn();
    process.wait_ready();
    for (path, flags) in [("/fast", "00"), ("/hello/Ada", "02"), ("/trace", "01"), ("/nested/1", "fd")] {
        assert_eq!(ask(&process, path, flags, &[]), 200);
    }
    process.assert_contract();
    let spans = collector.finish(5);
    let servers = spans.iter().filter(|span| span.kind() == "SERVER").map(Span::name);
    assert_eq!(servers.collect::<Vec<_>>(), ["GET /trace", "GET /nested/{item}"]);
}

#[test]
fn a_trace_goes_through_the_service_from_and_to_those_with_the_sdk_of_opentelemetry() {
    // By hand, and with the client of the runtime.
    assert_goes_through("/relay", "relay", "ask the peer");
    assert_goes_through("/call?path=/", "call", "GET");
}

/// Asserts that a trace goes on from a caller to a handler, its client and a callee.
fn assert_goes_through(path: &str, handler: &str, client: &str) {
    let collector = Collector::start();
    let http = collector.endpoint("http/protobuf");
    let callee = python("serve.py").arg(&http).spawn();
    let port = callee.wait_for_log(|line| line["port"].is_u64())["port"].clone();
    let process = traced(&collector, "grpc").env("FIXTURE_URL", format!("http://127.0.0.1:{port}/")).spawn();
    process.wait_ready();

    let caller = python("call.py").arg(&http).arg(format!("http://{}{path}", process.http_addr())).spawn();
    let call = caller.wait_for_log(|line| line["status"] == 200);
    assert_eq!(call["body"], "served");
    assert_eq!(call["trace"], TRACE);
    let served = callee.wait_for_log(|line| line["trace"] == TRACE);
    process.assert_contract();
    let spans = collector.finish(5);

    let chain = [
        (one(&spans, "begin"), "caller", "CLIENT"),
        (one(&spans, &format!("GET /{handler}")), "fixture", "SERVER"),
        (one(&spans, handler), "fixture", "INTERNAL"),
        (one(&spans, client), "fixture", "CLIENT"),
        (one(&spans, "serve"), "callee", "SERVER"),
    ];
    assert!(!chain[0].0.others.is_empty(), "an event of a span would be seen: {spans:#?}");
    let mut parent = PARENT;
    for (span, service, kind) in chain {
        assert_eq!((span.trace(), span.parent(), span.kind()), (TRACE, parent, kind), "{spans:#?}");
        assert_eq!(span.resource["service.name"], format!("Str({service})"));
        parent = span.id();
    }
    assert_eq!(call["span"], chain[0].0.id());
    let came_with = json!({
        "trace": TRACE,
        "parent": chain[3].0.id(),
        "flags": 3,
        "state": { "congo@sys": "t61rcWkgMzE x", "rojo": "00f067aa0ba902b7" },
        "baggage": { "user": "Ada Lovelace, ä=1", "tenant": "7" },
    });
    assert_eq!(served, came_with, "as the caller set them");
}

#[test]
fn a_trace_that_is_not_kept_goes_on_too_and_a_new_one_begins_where_there_is_none() {
    let collector = Collector::start();
    let http = collector.endpoint("http/protobuf");
    let callee = python("serve.py").arg(&http).spawn();
    let port = callee.wait_for_log(|line| line["port"].is_u64())["port"].clone();
    let process = traced(&collector, "http/protobuf").env("FIXTURE_URL", format!("http://127.0.0.1:{port}/")).spawn();
    process.wait_ready();

    let url = format!("http://{}/relay", process.http_addr());
    let caller = python("call.py").env("OTEL_TRACES_SAMPLER", "always_off").arg(&http).arg(url).spawn();
    caller.wait_for_log(|line| line["status"] == 200);
    let served = callee.wait_for_log(|line| line["trace"] == TRACE);
    assert_eq!(served["flags"].as_u64().map(|flags| flags & 1), Some(0), "{served}");

    assert_eq!(process.get("/relay").text(), "served");
    let served = callee.wait_for_log(|line| line["trace"].is_string() && line["trace"] != TRACE);
    process.assert_contract();
    let spans = collector.finish(4);
    assert_eq!(spans.len(), 4, "nothing of the first: {spans:#?}");
    let client = one(&spans, "ask the peer");
    let expected = json!({ "trace": client.trace(), "parent": client.id(), "flags": 3, "state": {}, "baggage": {} });
    assert_eq!(served, expected, "its id is random, and says so");
}

#[test]
fn prometheus_scrapes_it_and_answers_with_percentiles_and_examples() {
    let process = fixture().spawn();
    process.wait_ready();
    let prometheus = Prometheus::scraping(process.admin_addr());
    // What is asked for is a rate, so requests have to come while it scrapes: until the service is gone.
    let address = process.http_addr();
    thread::spawn(move || -> io::Result<()> {
        let parent = format!("00-{TRACE}-{PARENT}-01");
        loop {
            let mut connection = Connection::open(address)?;
            connection.request("GET", "/hello/Ada", &[("traceparent", &parent)], b"")?;
            connection.request("GET", "/slow?ms=600", &[("connection", "close")], b"")?;
        }
    });
    let p99 = |route: &str| {
        let query = "histogram_quantile(0.99, sum by (le, http_route) \
                     (rate(http_server_request_duration_seconds_bucket[1m])))";
        let series = prometheus.query(query).into_iter();
        series.filter(|(labels, p99)| labels["http_route"] == route && p99.is_finite()).map(|(_, p99)| p99).next()
    };
    let mut found = None;
    prometheus.wait_until("it knows how long requests took", || {
        found = p99("/hello/{name}").zip(p99("/slow"));
        found.is_some()
    });
    let (quick, slow) = found.unwrap();
    assert!(quick > 0.0 && quick < slow, "{quick} {slow}");
    // In one of the buckets that begin at 0.5 s.
    assert!(slow > 0.5 && slow <= 10.0, "{slow}");

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let [start, end] =
        [now - Duration::from_secs(120), now + Duration::from_secs(120)].map(|at| at.as_secs().to_string());
    let query = r#"http_server_request_duration_seconds_bucket{http_route="/hello/{name}"}"#;
    let examples = prometheus.ask("query_exemplars", &[("query", query), ("start", &start), ("end", &end)]);
    let of_all = examples.as_array().unwrap().iter().flat_map(|series| series["exemplars"].as_array().unwrap());
    let traces: Vec<_> = of_all.map(|example| &example["labels"]["trace_id"]).collect();
    assert!(!traces.is_empty() && traces.iter().all(|trace| *trace == TRACE), "{examples}");

    let targets = prometheus.ask("targets", &[]);
    let target = &targets["activeTargets"][0];
    assert_eq!((&target["health"], &target["lastError"]), (&json!("up"), &json!("")), "{target}");
    // A target is described by its `target_info`, which joins with the series of the same job and instance.
    let described = prometheus.query("up * on (job, instance) group_left (service_name) target_info");
    assert_eq!(described[0].0["service_name"], "fixture", "{described:?}");
    process.assert_contract();
}

#[test]
fn the_strict_parser_of_openmetrics_reads_the_page() {
    let process = fixture().spawn();
    process.wait_ready();
    assert_eq!(ask(&process, "/hello/Ada", "01", &[]), 200);
    assert_eq!(process.get("/panic").status, 500);
    let mut admin = Connection::open(process.admin_addr()).unwrap();
    let accept = [("accept", "application/openmetrics-text; version=1.0.0")];
    let page = admin.request("GET", "/metrics", &accept, b"").unwrap();
    let mut parser = Command::new(tools::python());
    let said = tools::check(parser.arg(workspace().join("tests/peers/openmetrics.py")), &page.text());
    let families: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    let duration = &families["http_server_request_duration_seconds"];
    assert_eq!((&duration["type"], &duration["unit"]), (&json!("histogram"), &json!("seconds")), "{families}");
    let exemplars = duration["exemplars"].as_array().unwrap();
    assert!(exemplars.iter().any(|labels| labels["trace_id"] == TRACE), "{duration}");
    for (name, kind) in [("fixture_greetings", "counter"), ("process_open_fds", "gauge")] {
        assert_eq!(families[name]["type"], kind, "{name}: {families}");
    }
    for (name, family) in families.as_object().unwrap() {
        assert_ne!(family["help"], "", "{name}");
    }
}

/// A Python program of the folder `peers`.
fn python(script: &str) -> ProcessBuilder {
    Process::builder(tools::python()).arg(workspace().join("tests/peers").join(script))
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Asserts that each span lasted while the one before did.
fn assert_lasted(inner_first: &[&Span]) {
    let times = |span: &Span| ["Start time", "End time"].map(|name| span.field(name).parse::<u64>().unwrap());
    for pair in inner_first.windows(2) {
        let ([began, ended], [outer_began, outer_ended]) = (times(pair[0]), times(pair[1]));
        assert!(outer_began <= began && began <= ended && ended <= outer_ended, "{pair:#?}");
    }
}
