//! Metrics, as scrapers see them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    thread,
};

use seaworthy::testing::{Connection, Process, Response};

use crate::support::{
    FLAT,
    collector::{Collector, Span},
    fixture, machine, metric, resident,
    tools::Generator,
};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn scrape(process: &Process, accept: &str) -> Response {
    let mut connection = Connection::open(process.admin_addr()).expect("it listens");
    connection.request("GET", "/metrics", &[("accept", accept)], b"").expect("it answers")
}

#[test]
fn each_metric_has_the_labels_of_the_contract() {
    let process = fixture().env("FIXTURE_WORKER", "once").spawn();
    process.wait_ready();
    for path in ["/hello/Ada", "/panic", "/no/such/path", "/call?path=nobody-listens"] {
        assert!(process.get(path).status >= 200);
    }
    process.wait_until("the worker was started again", || {
        metric(&process.admin("/metrics"), "seaworthy_worker_restarts_total", &[]) == 1.0
    });
    let text = process.admin("/metrics").text();
    let request =
        ["error_type", "http_request_method", "http_response_status_code", "http_route", "url_scheme"].as_slice();
    let contract: &[(&str, &[&str])] = &[
        ("build_info", &["revision", "rustc", "version"]),
        ("fixture_greetings_total", &[]),
        ("http_client_active_requests", &["http_request_method", "server_address", "server_port", "url_scheme"]),
        (
            "http_client_request_duration_seconds",
            &[
                "error_type",
                "http_request_method",
                "http_response_status_code",
                "server_address",
                "server_port",
                "url_scheme",
            ],
        ),
        ("http_server_active_requests", &["http_request_method", "url_scheme"]),
        ("http_server_request_duration_seconds", request),
        ("process_cpu_seconds_total", &[]),
        ("process_max_fds", &[]),
        ("process_open_fds", &[]),
        ("process_resident_memory_bytes", &[]),
        ("process_start_time_seconds", &[]),
        ("process_threads", &[]),
        ("process_virtual_memory_bytes", &[]),
        ("seaworthy_check_duration_seconds", &["check", "probe"]),
        ("seaworthy_check_status", &["check", "probe"]),
        ("seaworthy_lifecycle_state", &["state"]),
        ("seaworthy_logs_dropped_total", &["reason"]),
        ("seaworthy_panics_total", &["http_route"]),
        ("seaworthy_worker_restarts_total", &["worker"]),
        ("seaworthy_worker_up", &["worker"]),
        ("tokio_alive_tasks", &[]),
        ("tokio_global_queue_depth", &[]),
        ("tokio_worker_busy_seconds_total", &[]),
        ("tokio_worker_parks_total", &[]),
        ("tokio_workers", &[]),
    ];
    let contract: BTreeMap<_, BTreeSet<_>> =
        contract.iter().map(|(name, labels)| (*name, labels.iter().copied().collect())).collect();
    let mut found = labels_by_name(&text);
    let attributes = found.remove("target_info").expect("the process has attributes");
    assert!(attributes.contains("service_name"), "{attributes:?}");
    assert_eq!(found, contract, "{text}");
}

/// The labels of each metric of the text format, without the `le` of buckets.
fn labels_by_name(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut names = BTreeMap::<_, BTreeSet<_>>::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').expect("a sample has a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let name = ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        let labels = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(label, _)| label);
        names.entry(name).or_default().extend(labels.filter(|label| *label != "le"));
    }
    names
}

#[test]
fn a_scraper_gets_the_format_that_it_asks_for() {
    let process = fixture().spawn();
    process.wait_ready();
    let mut connection = process.connect();
    for sampled in ["00", "01"] {
        let parent = format!("00-0af7651916cd43dd8448eb211c8031{sampled}-b7ad6b7169203331-{sampled}");
        assert_eq!(connection.request("GET", "/hello/Ada", &[("traceparent", &parent)], b"").unwrap().status, 200);
    }
    for accept in ["", "*/*", "text/plain", "application/openmetrics-text;q=nonsense"] {
        let answer = scrape(&process, accept);
        assert_eq!(answer.header("content-type"), Some(TEXT), "{accept}");
        assert!(answer.text().contains("# TYPE fixture_greetings_total counter\nfixture_greetings_total 2\n"));
        assert!(!answer.text().contains("trace_id="), "{}", answer.text());
    }
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    let answer = scrape(&process, prometheus);
    assert_eq!(answer.header("content-type"), Some(OPEN_METRICS));
    let text = answer.text();
    assert!(text.contains("# TYPE fixture_greetings counter\nfixture_greetings_total 2\n"), "{text}");
    assert!(text.contains("# UNIT http_server_request_duration_seconds seconds\n"), "{text}");
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    assert!(text.contains(" # {trace_id=\"0af7651916cd43dd8448eb211c803101\",span_id=\""), "{text}");
    assert!(!text.contains("803100"), "a trace that is not sampled is no example: {text}");
    process.assert_contract();
}

#[test]
fn what_clients_make_up_adds_no_series_no_names_of_spans_and_no_memory() {
    const FLOOD: usize = 100_000;
    const FIRST: usize = 4_000;
    const HTTP_2: usize = 20_000;
    let _machine = machine();
    let collector = Collector::start();
    let process = fixture()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint("grpc"))
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .env("OTEL_TRACES_SAMPLER", "traceidratio")
        .env("OTEL_TRACES_SAMPLER_ARG", "0.005")
        .spawn();
    process.wait_ready();
    let paths = std::env::temp_dir().join(format!("paths-{}", process.id()));
    let made_up: String = (0..HTTP_2).map(|number| format!("/made/up/{number}/?{number}={number}\n")).collect();
    std::fs::write(&paths, made_up).unwrap();
    let flood_http_2 = |requests: usize| {
        let answered = Generator::h2load_made_up(process.http_addr(), &paths, requests).join();
        assert_eq!(answered, requests as u64);
    };
    let flood = |numbers: Range<usize>| {
        let middle = numbers.start.midpoint(numbers.end);
        thread::scope(|scope| {
            for numbers in [numbers.start..middle, middle..numbers.end] {
                scope.spawn(|| make_up(process.connect(), numbers));
            }
        });
    };
    let state = || (process.admin("/metrics").text(), resident(process.id()));
    flood(0..FIRST);
    flood_http_2(FIRST);
    let (first, memory_at_first) = state();
    flood(FIRST..FLOOD);
    flood_http_2(HTTP_2);
    std::fs::remove_file(&paths).unwrap();
    let (last, memory_at_last) = state();
    println!("{} B and {memory_at_first} KiB, then {} B and {memory_at_last} KiB", first.len(), last.len());

    assert_eq!(series(&last), series(&first));
    assert!(!last.contains("otel_metric_overflow"), "{last}");
    // Numbers have more digits.
    assert!(last.len() < first.len() + 1024, "{last}");
    assert!(memory_at_last < memory_at_first + FLAT, "{memory_at_first} KiB grew to {memory_at_last} KiB");
    let count = metric(&process.admin("/metrics"), "http_server_request_duration_seconds_count", &[("http_route", "")]);
    assert_eq!(count, (FLOOD + FIRST + HTTP_2) as f64);
    process.assert_contract();
    let spans = collector.finish(FLOOD / 500);
    let names: BTreeSet<_> = spans.iter().map(Span::name).collect();
    assert_eq!(names, ["GET", "HTTP"].into());
}

/// Sends requests of which each has another method, path, query, host, client and so on, many at once, and reads all answers.
fn make_up(mut connection: Connection, numbers: Range<usize>) {
    const AT_ONCE: usize = 50;
    for begin in numbers.clone().step_by(AT_ONCE) {
        let numbers = begin..(begin + AT_ONCE).min(numbers.end);
        let request = |n: usize| {
            let method = if n.is_multiple_of(2) { "GET".into() } else { format!("M{n}") };
            let proto = if n.is_multiple_of(3) { "https".into() } else { format!("p{n}") };
            let address = [n >> 16, n >> 8, n].map(|byte| byte & 0xff).map(|byte| byte.to_string()).join(".");
            format!(
                "{method} /made/up/{n}?q={n}&k{n}=1 HTTP/1.1\r\nhost: host-{n}.example:{port}\r\nx-forwarded-host: h{n}\r\n\
                 x-forwarded-for: 10.{address}\r\nx-forwarded-proto: {proto}\r\nuser-agent: agent/{n}\r\n\
                 tracestate: k{n}=1\r\nbaggage: k{n}=1\r\nx-{n}: {n}\r\n\r\n",
                port = n % 65_536,
            )
        };
        connection.send_bytes(numbers.clone().map(request).collect::<String>().as_bytes()).unwrap();
        for number in numbers {
            assert_eq!(connection.receive().unwrap().status, 404, "{number}");
        }
    }
}

/// The names of all series, with their labels.
fn series(text: &str) -> BTreeSet<&str> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series).collect()
}
