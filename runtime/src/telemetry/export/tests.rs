mod gzip;
mod outcomes;
mod server;
#[cfg(feature = "tls")]
mod tls;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::*;
use crate::telemetry::settings::OtelSettings;

/// For collectors that never answer: the end of a test waits for the last attempt.
const QUICK: &[(&str, &str)] = &[("OTEL_EXPORTER_OTLP_TIMEOUT", "300"), ("OTEL_BSP_EXPORT_TIMEOUT", "300")];
const LONG: Duration = Duration::from_secs(20);

/// A collector that answers with these bytes, one after the other and then the last, and passes on what it gets.
fn collector(answers: &'static [&'static str]) -> (String, Receiver<ExportTraceServiceRequest>) {
    collector_on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
}

fn collector_on(
    listener: TcpListener,
    answers: &'static [&'static str],
) -> (String, Receiver<ExportTraceServiceRequest>) {
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            if let Some(body) = request_body(&mut stream) {
                sender.send(ExportTraceServiceRequest::decode(&body[..]).unwrap()).unwrap();
                let answer = answers[number.min(answers.len() - 1)];
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    (endpoint, receiver)
}

fn request_body(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().unwrap();
        if bytes.len() == end + 4 + length {
            return Some(bytes.split_off(end + 4));
        }
    }
}

fn settings(endpoint: &str, more: &[(&str, &str)]) -> ExporterSettings {
    let variables = more.iter().copied().chain([("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]);
    let (settings, warnings) = OtelSettings::read(&variables.collect());
    assert_eq!(warnings, Vec::<String>::new());
    settings.exporter.unwrap()
}

fn exporter(endpoint: &str, more: &[(&str, &str)]) -> (Exporter, Arc<Queue>) {
    let (exporter, queue, warning) = warned_exporter(endpoint, more);
    assert_eq!(warning, None);
    (exporter, queue)
}

fn warned_exporter(endpoint: &str, more: &[(&str, &str)]) -> (Exporter, Arc<Queue>, Option<String>) {
    let resource = [("service.name".to_owned(), "greeter".to_owned())].into_iter().collect();
    start(settings(endpoint, more), &resource).unwrap()
}

fn message(transport: &Transport, request: &[u8]) -> super::Message {
    let mut batch = Batch::default();
    batch.replace(request.to_vec());
    transport.finish(&mut batch);
    super::Message::from_iter(batch.pieces)
}

fn make_spans(queue: &Queue, count: usize) {
    for number in 0..count {
        let mut span = Vec::new();
        wire::bytes(&mut span, 5, format!("span {number}").as_bytes());
        queue.push(&span);
    }
}

fn count(request: &ExportTraceServiceRequest) -> usize {
    request.resource_spans.iter().flat_map(|resource| &resource.scope_spans).map(|scope| scope.spans.len()).sum()
}

/// How a message goes out over each protocol.
const PROTOCOLS: [&str; 2] = ["http/protobuf", "grpc"];
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const AWAY: &str = "HTTP/1.1 503 Away\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[test]
fn a_flush_sends_what_is_there() {
    let (endpoint, requests) = collector(&[OK]);
    let (exporter, queue) = exporter(&endpoint, &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")]);
    make_spans(&queue, 25);
    assert!(exporter.flush(LONG));
    let requests: Vec<_> = requests.try_iter().collect();
    assert_eq!(requests.iter().map(count).sum::<usize>(), 25);
    assert!(requests.iter().all(|request| count(request) <= 10));
    let resource = requests[0].resource_spans[0].resource.as_ref().unwrap();
    assert!(resource.attributes.iter().any(|a| a.key == "service.name"));
    let scopes = requests.iter().flat_map(|request| &request.resource_spans[0].scope_spans);
    assert!(scopes.clone().all(|scope| scope.scope.as_ref().unwrap().name == "seaworthy"));
    let names: Vec<_> = scopes.flat_map(|scope| &scope.spans).map(|span| span.name.clone()).collect();
    assert_eq!(names, (0..25).map(|number| format!("span {number}")).collect::<Vec<_>>());
}

#[test]
fn a_batch_goes_when_it_is_full_and_when_it_is_time() {
    let (endpoint, requests) = collector(&[OK]);
    let (_exporter, full) = exporter(&endpoint, &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3")]);
    make_spans(&full, 3);
    assert_eq!(count(&requests.recv_timeout(LONG / 8).unwrap()), 3);

    let (_exporter, timed) = exporter(&endpoint, &[("OTEL_BSP_SCHEDULE_DELAY", "20")]);
    make_spans(&timed, 1);
    assert_eq!(count(&requests.recv_timeout(LONG / 8).unwrap()), 1);
}

#[test]
fn a_collector_that_is_away_is_tried_again() {
    let (endpoint, requests) = collector(&[AWAY, AWAY, OK]);
    let (exporter, queue) = exporter(&endpoint, &[("OTEL_BSP_SCHEDULE_DELAY", "1")]);
    make_spans(&queue, 4);
    for _ in 0..3 {
        assert_eq!(count(&requests.recv_timeout(LONG).unwrap()), 4);
    }
    assert!(exporter.flush(LONG));
    assert!(requests.try_recv().is_err());
}

#[test]
fn a_flush_while_the_collector_is_away_sends_the_rest_too() {
    let (endpoint, requests) = collector(&[AWAY, OK]);
    let (exporter, queue) = exporter(&endpoint, &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")]);
    make_spans(&queue, 25);
    assert_eq!(count(&requests.recv_timeout(LONG).unwrap()), 10);
    assert!(exporter.flush(LONG));
    assert_eq!(requests.try_iter().map(|r| count(&r)).sum::<usize>(), 25);
}

#[test]
fn a_flush_ends_in_time_whatever_the_collector_does() {
    // Refuses: nobody listens there any more.
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", refusing.local_addr().unwrap());
    drop(refusing);
    let (exporter, queue) = exporter(&endpoint, QUICK);
    make_spans(&queue, 1);
    assert!(exporter.flush(LONG), "it is given up at once");

    // Hangs: takes the connection and says nothing.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", hanging.local_addr().unwrap());
    for protocol in PROTOCOLS {
        let variables = [QUICK, &[("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]].concat();
        let (exporter, queue) = self::exporter(&endpoint, &variables);
        make_spans(&queue, 1);
        assert!(!exporter.flush(Duration::from_millis(100)));
    }
}

#[test]
fn a_collector_that_comes_late_gets_what_there_is_then() {
    let away = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = away.local_addr().unwrap();
    drop(away);
    let (exporter, queue) = exporter(&format!("http://{address}"), &[]);
    make_spans(&queue, 1);
    // Given up, since somebody waits.
    assert!(exporter.flush(LONG));
    let (_, requests) = collector_on(TcpListener::bind(address).unwrap(), &[OK]);
    make_spans(&queue, 2);
    assert!(exporter.flush(LONG));
    assert_eq!(requests.try_iter().map(|r| count(&r)).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_batch_is_given_up_when_its_time_is_up() {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", hanging.local_addr().unwrap());
    // The attempt alone could take longer than the test.
    let variables = [("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), ("OTEL_BSP_EXPORT_TIMEOUT", "100")];
    let (exporter, queue) = exporter(&endpoint, &variables);
    make_spans(&queue, 1);
    assert!(exporter.flush(LONG));
}

#[test]
fn a_collector_that_wants_to_be_asked_in_an_age_is_not_waited_for() {
    let never =
        "HTTP/1.1 429 No\r\ncontent-length: 0\r\nretry-after: 18446744073709551615\r\nconnection: close\r\n\r\n";
    let (endpoint, requests) = collector(vec![never, OK].leak());
    let (exporter, queue) = exporter(&endpoint, &[("OTEL_BSP_SCHEDULE_DELAY", "0")]);
    for spans in [1, 2] {
        make_spans(&queue, spans);
        assert_eq!(count(&requests.recv_timeout(LONG).unwrap()), spans);
    }
    assert!(exporter.flush(LONG));
}

#[tokio::test]
async fn a_runtime_that_is_blocked_does_not_keep_spans() {
    let (endpoint, requests) = collector(&[OK]);
    let (_exporter, queue) = exporter(&endpoint, &[("OTEL_BSP_SCHEDULE_DELAY", "0")]);
    make_spans(&queue, 1);
    // This is the runtime's one thread.
    assert_eq!(count(&requests.recv_timeout(LONG).unwrap()), 1);
}

#[test]
fn what_does_not_fit_is_dropped_and_nobody_waits() {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", hanging.local_addr().unwrap());
    let (_exporter, queue) = exporter(&endpoint, &[QUICK, &[("OTEL_BSP_MAX_QUEUE_SIZE", "8")]].concat());
    let began = std::time::Instant::now();
    make_spans(&queue, 10_000);
    assert!(began.elapsed() < LONG / 4);
    assert!(queue.len() <= 8);
}

#[test]
fn jitter() {
    for _ in 0..1000 {
        let wait = jittered(Duration::from_secs(1));
        assert!(wait >= Duration::from_millis(499) && wait <= Duration::from_secs(1));
    }
}
