//! Calls to other services, between real processes.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use seaworthy::{
    http_client::HttpClient,
    prelude::*,
    testing::{self, Connection, Process, Signal, Span},
};

use crate::support::{fixture, metric};

const SOON: Duration = Duration::from_secs(12);

/// A fixture that calls another one.
fn pair() -> (Process, Process) {
    let callee = fixture().spawn();
    callee.wait_ready();
    let caller = calls(&callee, &[]);
    (caller, callee)
}

fn calls(callee: &Process, variables: &[(&str, &str)]) -> Process {
    let caller = fixture().env("FIXTURE_URL", format!("http://{}", callee.http_addr()));
    let caller = variables.iter().fold(caller, |caller, (name, value)| caller.env(name, value)).spawn();
    caller.wait_ready();
    caller
}

/// Where the callee is.
#[config(env, prefix = "CALLER")]
struct Caller {
    /// Where the callee is.
    callee: Url,
}

/// Answers.
#[cloud_service]
async fn callee() -> Router {
    Router::new().route("/prices/{article}", get(async |Path(article): Path<u32>| article.to_string()))
}

/// Calls.
#[cloud_service(ready(none))]
async fn caller(config: Caller) -> Result<Service<HttpClient>> {
    let url = config.callee.to_string();
    let call = async move |State(http): State<HttpClient>| -> Result<String> {
        let answer = http.get(format!("{url}prices/7")).template("/prices/{article}").send().await?;
        Ok(answer.error_for_status()?.text().await?)
    };
    Ok(Service::new(HttpClient::new()?).http(Router::new().route("/", get(call))))
}

#[test]
fn the_server_continues_the_span_of_the_call() {
    let callee = testing::start::<callee>(());
    let address = callee.http_addr();
    let caller = testing::start::<caller>(Caller { callee: format!("http://{address}").parse().unwrap() });
    assert_eq!(caller.get("/").text(), "7");
    // All of the trace, since both services are in this process. That of the request ends last, maybe a moment after its answer.
    let deadline = Instant::now() + SOON;
    let spans = loop {
        let spans = caller.spans();
        if spans.iter().any(|span| span.name == "GET /") {
            break spans;
        }
        assert!(Instant::now() < deadline, "{spans:?}");
        thread::yield_now();
    };
    let find = |name: &str, attribute: &str| -> &Span {
        spans.iter().find(|span| span.name == name && span.attributes.contains_key(attribute)).unwrap()
    };
    let request = find("GET /", "url.path");
    let call = find("GET /prices/{article}", "url.full");
    let answer = find("GET /prices/{article}", "url.path");
    assert_eq!(call.attributes["url.full"], format!("http://{address}/prices/7"));
    assert_eq!(answer.parent_span_id, call.span_id);
    assert_eq!(call.parent_span_id, request.span_id);
    assert!(spans.iter().all(|span| span.trace_id == request.trace_id));
}

#[test]
fn calls_are_counted_as_what_they_were() {
    let (caller, callee) = pair();
    let mut connection = caller.connect();
    for (path, status) in [("fast", 200), ("fast", 200), ("nowhere", 404), ("error", 500)] {
        assert_eq!(connection.get(&format!("/call?path={path}")).unwrap().status, status, "{path}");
    }
    let late = connection.get("/call?path=slow%3Fms=60000&timeout=50").unwrap();
    assert_eq!(late.status, 502);
    let port = callee.http_addr().port().to_string();
    let metrics = caller.admin("/metrics");
    let count = |status: &str, error: &str| {
        let labels = [
            ("http_request_method", "GET"),
            ("server_address", "127.0.0.1"),
            ("server_port", &port),
            ("http_response_status_code", status),
            ("error_type", error),
            ("url_scheme", "http"),
        ];
        metric(&metrics, "http_client_request_duration_seconds_count", &labels)
    };
    assert_eq!(count("200", ""), 2.0, "{}", metrics.text());
    assert_eq!(count("404", "404"), 1.0);
    assert_eq!(count("500", "500"), 1.0);
    assert_eq!(count("", "timeout"), 1.0);
    assert!(metrics.text().contains("http_client_active_requests{"));
    assert_eq!(metric(&metrics, "http_client_active_requests", &[]), 0.0);
    let bucket = [("error_type", "timeout"), ("le", "0.025")];
    assert_eq!(metric(&metrics, "http_client_request_duration_seconds_bucket", &bucket), 0.0);
    let bucket = [("error_type", "timeout"), ("le", "10")];
    assert_eq!(metric(&metrics, "http_client_request_duration_seconds_bucket", &bucket), 1.0);
    caller.assert_contract();
}

#[test]
fn a_call_ends_with_the_request_that_waits_for_it() {
    let callee = fixture().spawn();
    callee.wait_ready();
    let caller = calls(&callee, &[("REQUEST_TIMEOUT", "200ms")]);
    let cancelled = |count: f64| {
        caller.wait_until("the call is recorded", || {
            let metrics = caller.admin("/metrics");
            metric(&metrics, "http_client_active_requests", &[]) == 0.0
                && metric(
                    &metrics,
                    "http_client_request_duration_seconds_count",
                    &[("error_type", "cancelled"), ("http_response_status_code", "")],
                ) == count
        });
    };
    // By its deadline.
    assert_eq!(caller.get("/call?path=slow%3Fms=60000").status, 503);
    cancelled(1.0);
    // By a client that goes away.
    let mut connection = caller.connect();
    connection.send("GET", "/call?path=slow%3Fms=60000", &[], b"").unwrap();
    caller.wait_until("the call is in flight", || {
        metric(&caller.admin("/metrics"), "http_client_active_requests", &[]) == 1.0
    });
    drop(connection);
    cancelled(2.0);
    caller.assert_contract();
}

#[test]
fn a_peer_that_is_away_is_told_without_its_credentials() {
    // A port that was just free may soon be another test's.
    let closed = "127.0.0.1:1";
    let caller = fixture().env("FIXTURE_URL", format!("http://{closed}")).env("RUST_LOG", "debug").spawn();
    caller.wait_ready();
    let answer = caller.get("/call?path=prices%3Fsig=hunter2%26a=b");
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains(&format!("http://{closed}/prices?sig=REDACTED&a=b")), "{}", answer.text());
    caller.wait_for_log(|line| line["target"] == "seaworthy::handler" && line.to_string().contains("sig=REDACTED"));
    let metrics = caller.admin("/metrics");
    let labels = [("error_type", "connect"), ("server_port", "1")];
    assert_eq!(metric(&metrics, "http_client_request_duration_seconds_count", &labels), 1.0);
    caller.assert_contract();
    for said in [answer.text(), metrics.text(), caller.stdout(), caller.stderr()] {
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn where_nobody_is_trusted_others_are_called_over_http_alone() {
    let callee = fixture().spawn();
    callee.wait_ready();
    // As in an image `FROM scratch`.
    let caller = calls(&callee, &[("SSL_CERT_FILE", "/nowhere")]);
    caller.wait_for_log(|line| line["level"] == "WARN" && line.to_string().contains("`ca-certificates`"));
    assert_eq!(caller.get("/call?path=fast").text(), "ok");
    caller.assert_contract();
}

#[test]
fn what_the_drain_waits_for_may_call() {
    let (caller, callee) = pair();
    let mut connection = caller.connect();
    connection.send("GET", "/call-late?path=fast", &[], b"").unwrap();
    caller.wait_for_log(|line| line["message"] == "waiting for the drain");
    caller.signal(Signal::Term);
    assert_eq!(connection.receive().unwrap().text(), "200 OK");
    assert_eq!(caller.wait_exit(SOON).code, Some(0));
    callee.assert_contract();
}

#[test]
fn once_nothing_is_waited_for_only_what_belongs_to_the_shutdown_calls() {
    let callee = fixture().spawn();
    callee.wait_ready();
    let caller = calls(&callee, &[("FIXTURE_CLOSE", "call")]);
    caller.signal(Signal::Term);
    assert_eq!(caller.wait_exit(SOON).code, Some(0));
    let refused = caller.wait_for_log(|line| line["call"] == "the usual");
    assert_eq!(refused["error"], "the call was not begun: the service is shutting down");
    assert_eq!(caller.wait_for_log(|line| line["call"] == "the allowed")["status"], 200);
    let ok = [("http_route", "/fast"), ("http_response_status_code", "200")];
    assert_eq!(metric(&callee.admin("/metrics"), "http_server_request_duration_seconds_count", &ok), 1.0);
}

#[test]
fn a_call_that_nobody_waits_for_is_cut_when_the_drain_is_over() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    // What closes keeps the process from its end until the test has seen what happens before.
    let caller = fixture().env("FIXTURE_URL", url).env("FIXTURE_CLOSE", "hang").spawn();
    caller.wait_ready();
    assert_eq!(caller.get("/call-behind?path=").status, 200);
    let (call, _) = silent.accept().unwrap();
    call.set_read_timeout(Some(SOON)).unwrap();
    let mut sent = BufReader::new(call).lines().map(Result::unwrap);
    assert_eq!(sent.next().as_deref(), Some("GET / HTTP/1.1"));
    caller.signal(Signal::Term);
    // The rest of its head, and then the end: the call's own timeout would come too late.
    let began = Instant::now();
    assert_eq!(sent.last().as_deref(), Some(""));
    assert!(began.elapsed() < Duration::from_secs(8));
    let cut = caller.wait_for_log(|line| line["call"] == "the task's");
    assert_eq!(cut["error"], "the call was cut: the service is shutting down");
}

#[test]
fn a_request_that_waits_for_a_call_is_cut_as_any_other() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let caller = fixture().env("FIXTURE_URL", url).env("DRAIN_TIMEOUT", "200ms").spawn();
    caller.wait_ready();
    let mut connections: Vec<_> = (0..8).map(|_| caller.connect()).collect();
    let send = |connection: &mut Connection| connection.send("GET", "/call?path=", &[], b"").unwrap();
    connections.iter_mut().for_each(send);
    let _calls: Vec<_> = (0..8).map(|_| silent.accept().unwrap()).collect();
    caller.signal(Signal::Term);
    for mut connection in connections {
        let answer = connection.receive().unwrap();
        // Not what the handler makes of a call that failed.
        assert_eq!((answer.status, answer.text().contains("stopped before")), (503, true), "{}", answer.text());
    }
    assert_eq!(caller.wait_exit(SOON).code, Some(2));
}
