//! Logs, traces and metrics, as those who read them see them.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use seaworthy::testing::{Connection, Signal};

use crate::support::{assert_serves_on, fixture, metric, tools};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

#[test]
fn a_trace_is_continued_and_its_id_is_in_logs_and_handlers() {
    let process = fixture().env("ACCESS_LOG", "all").spawn();
    process.wait_ready();
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let answer = process.connect().request("GET", "/trace", &[("traceparent", &parent)], b"");
    assert_eq!(answer.unwrap().text(), TRACE);
    let line = process.wait_for_log(|line| line["http.route"] == "/trace");
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(line["span_id"].as_str().map(str::len), Some(16));
    assert_eq!(line["http.request.method"], "GET");
    assert_eq!(line["url.path"], "/trace");
    assert_eq!(line["http.response.status_code"], 200);
    assert_eq!(line["level"], "INFO");
    // Without a caller, it is a new one.
    assert_eq!(process.get("/trace").text().len(), 32);
}

#[test]
fn propagation_works_whatever_the_log_filter_says() {
    // Only the line that tells where it listens, and warnings.
    let process = fixture().env("RUST_LOG", "warn,seaworthy=info").spawn();
    process.wait_ready();
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let answer = process.connect().request("GET", "/trace", &[("traceparent", &parent)], b"");
    assert_eq!(answer.unwrap().text(), TRACE);
}

#[test]
fn the_filter_may_silence_everything_and_it_still_stops() {
    let process = fixture().env("RUST_LOG", "off").spawn();
    // Nothing tells when it began: the signal comes before or after its handler is installed.
    process.signal(Signal::Term);
    let exit = process.wait_exit(Duration::from_secs(12));
    assert!(exit.code == Some(0) || exit.signal == Some(15), "{exit:?}");
    assert_eq!(process.stdout(), "");
}

#[test]
fn every_line_is_an_object_with_time_level_target_and_message() {
    let process = fixture().env("ACCESS_LOG", "all").spawn();
    process.wait_ready();
    assert_eq!(process.get("/fast").status, 200);
    assert_eq!(process.get("/error").status, 500);
    process.assert_contract();
    let out = process.stdout();
    for line in out.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "target", "message"] {
            assert!(object[field].is_string(), "{field}: {line}");
        }
    }
}

#[test]
fn access_lines_are_all_or_errors_or_off() {
    for (setting, expected) in [("all", 2), ("errors", 1), ("off", 0)] {
        let process = fixture().env("ACCESS_LOG", setting).spawn();
        process.wait_ready();
        assert_eq!(process.get("/fast").status, 200);
        assert_eq!(process.get("/error").status, 500);
        process.assert_contract();
        let access = |line: &serde_json::Value| line["target"] == "seaworthy::access";
        let lines = process.logs().into_iter().filter(access).count();
        assert_eq!(lines, expected, "{setting}");
    }
}

#[test]
fn the_log_filter_is_changed_while_it_runs() {
    let process = fixture().env("ACCESS_LOG", "all").env("RUST_LOG", "info").spawn();
    process.wait_ready();
    let put = |filter: &str| {
        Connection::open(process.admin_addr())
            .and_then(|mut admin| admin.request("PUT", "/log-level", &[], filter.as_bytes()))
            .unwrap()
    };
    assert_eq!(put("info,fixture=off").status / 100, 2);
    assert_eq!(process.get("/slow?ms=0").status, 200);
    assert_eq!(put("info").status / 100, 2);
    assert_eq!(process.get("/stream?ms=0").status, 200);
    process.wait_for_log(|line| line["message"] == "stream began");
    let silenced = |line: &serde_json::Value| line["message"] == "slow request began";
    assert!(!process.logs().iter().any(silenced));
    assert_eq!(put("fixture=loud").status, 400);
}

#[test]
fn metrics_are_clean_and_have_the_names_and_labels_of_the_conventions() {
    let process = fixture().spawn();
    process.wait_ready();
    assert_eq!(process.get("/hello/Ada").status, 200);
    assert_eq!(process.get("/panic").status, 500);
    for path in ["/no/such/path", "/nor/this"] {
        assert_eq!(process.get(path).status, 404);
    }
    let metrics = process.admin("/metrics");
    let kind = metrics.header("content-type").unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    assert_eq!(tools::promtool(&metrics.text()), "");
    let duration = "http_server_request_duration_seconds_count";
    let ok = [
        ("http_request_method", "GET"),
        ("http_route", "/hello/{name}"),
        ("http_response_status_code", "200"),
        ("url_scheme", "http"),
    ];
    assert_eq!(metric(&metrics, duration, &ok), 1.0);
    let panicked = [("http_route", "/panic"), ("error_type", "panic")];
    assert_eq!(metric(&metrics, duration, &panicked), 1.0);
    let unmatched = [("http_route", ""), ("http_response_status_code", "404")];
    assert_eq!(metric(&metrics, duration, &unmatched), 2.0);
    let bucket = "http_server_request_duration_seconds_bucket";
    for le in ["0.005", "0.075", "7.5", "10", "+Inf"] {
        let labels = [("http_route", "/hello/{name}"), ("le", le)];
        assert!(metrics.text().contains(&format!("le=\"{le}\"")), "{le}");
        assert!(metric(&metrics, bucket, &labels) >= 0.0);
    }
    for name in ["build_info", "target_info", "seaworthy_lifecycle_state"] {
        assert!(metrics.text().contains(name), "{name}: {}", metrics.text());
    }
}

#[test]
fn a_collector_that_is_away_costs_requests_nothing() {
    let process = fixture().env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1").spawn();
    process.wait_ready();
    let began = Instant::now();
    for _ in 0..200 {
        assert_eq!(process.get("/fast").status, 200);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_serves_on(&process);
}

#[test]
fn a_collector_that_never_answers_does_not_keep_it_from_stopping() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for protocol in ["http/protobuf", "grpc"] {
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let process =
            fixture().env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol).spawn();
        process.wait_ready();
        assert_eq!(process.get("/fast").status, 200);
        process.signal(Signal::Term);
        let exit = process.wait_exit(Duration::from_secs(12));
        assert_eq!(exit.code, Some(0), "{protocol}");
        // Flushing may take 3 s.
        assert!(exit.elapsed < Duration::from_secs(5), "{protocol}: {exit:?}");
    }
}

#[test]
fn wrong_settings_of_opentelemetry_warn_and_never_stop_it() {
    let process = fixture()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url")
        .env("OTEL_TRACES_SAMPLER", "sometimes")
        .env("OTEL_BSP_SCHEDULE_DELAY", "soon")
        .spawn();
    process.wait_ready();
    process.wait_for_log(|line| line["level"] == "WARN" && line.to_string().contains("OTEL_TRACES_SAMPLER"));
    assert_serves_on(&process);
}
