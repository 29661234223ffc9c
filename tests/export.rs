//! Spans on their way to a collector: over TLS, compressed, and where it is not there.

use seaworthy::testing::{Process, ProcessBuilder};
use serde_json::Value;

use crate::support::{
    assert_serves_on,
    collector::{Addresses, Collector, TlsProxy},
    fixture,
};

const PROTOCOLS: [&str; 2] = ["http/protobuf", "grpc"];
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";

#[test]
fn spans_reach_a_collector_over_tls_that_a_file_or_the_system_trusts() {
    for protocol in PROTOCOLS {
        for variable in [CERTIFICATE, "SSL_CERT_FILE"] {
            let collector = Collector::start();
            let proxy = TlsProxy::start(&collector, protocol);
            let process = exporting_to(&proxy.endpoint(), protocol).env(variable, &proxy.authority).spawn();
            assert_reaches(&process, &collector);
            assert_eq!(warnings(&process), [""; 0], "{protocol}");
        }
    }
}

#[test]
fn spans_reach_a_collector_compressed() {
    for protocol in PROTOCOLS {
        let collector = Collector::start();
        let process =
            exporting_to(&collector.endpoint(protocol), protocol).env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip").spawn();
        assert_reaches(&process, &collector);
        assert_eq!(warnings(&process), [""; 0], "{protocol}");
    }
}

#[test]
fn a_collector_that_nobody_vouches_for_is_one_warning() {
    let collector = Collector::start();
    let [proxy, other] = [(); 2].map(|()| TlsProxy::start(&collector, "grpc"));
    let process = exporting_to(&proxy.endpoint(), "grpc")
        .env(CERTIFICATE, &other.authority)
        .env("OTEL_BSP_SCHEDULE_DELAY", "0")
        .spawn();
    process.wait_ready();
    assert_eq!(process.get("/hello/Ada").status, 200);
    let warning = process.wait_for_log(|line| line["level"] == "WARN");
    let error = warning["error"].as_str().unwrap_or_default();
    assert!(error.contains("invalid peer certificate"), "{warning}");
    assert_serves_on(&process);
    assert_eq!(warnings(&process).len(), 1);
}

#[test]
fn certificates_that_are_not_there_are_one_warning_that_says_what_to_do() {
    let nowhere = "/no/such/file.pem";
    for (variable, expected) in [
        (CERTIFICATE, "OTEL_EXPORTER_OTLP_CERTIFICATE: /no/such/file.pem can't be read"),
        ("SSL_CERT_FILE", "install its roots, such as the package `ca-certificates`"),
    ] {
        let process = exporting_to("https://127.0.0.1:1", "http/protobuf")
            .env(variable, nowhere)
            .env("OTEL_BSP_SCHEDULE_DELAY", "0")
            .spawn();
        process.wait_ready();
        assert_eq!(process.get("/hello/Ada").status, 200);
        assert_serves_on(&process);
        let warnings = warnings(&process);
        assert!(matches!(&warnings[..], [one] if one.contains(expected)), "{warnings:?}");
    }
}

#[test]
fn a_collector_that_comes_back_gets_the_spans_and_is_said_to_be_back() {
    for protocol in PROTOCOLS {
        let addresses = Addresses::own();
        let process = exporting_to(&addresses.endpoint(protocol), protocol).env("OTEL_BSP_SCHEDULE_DELAY", "0").spawn();
        process.wait_ready();
        assert_eq!(process.get("/hello/Ada").status, 200);
        process.wait_for_log(|line| line["level"] == "WARN");
        let collector = Collector::start_at(addresses);
        process.wait_for_log(|line| line["message"] == "spans reach the collector again");
        collector.received_until("Name           : GET /hello/{name}");
        assert_eq!(warnings(&process).len(), 1, "{protocol}");
        // It is another one by the time of the next span.
        drop(collector);
        let collector = Collector::start_at(addresses);
        assert_eq!(process.get("/fast").status, 200);
        collector.received_until("Name           : GET /fast");
        process.assert_contract();
    }
}

fn exporting_to(endpoint: &str, protocol: &str) -> ProcessBuilder {
    fixture().env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
}

/// Asserts that the span of a request is there once the process stopped.
fn assert_reaches(process: &Process, collector: &Collector) {
    process.wait_ready();
    assert_eq!(process.get("/hello/Ada").status, 200);
    process.assert_contract();
    let received = collector.received_until("Name           : GET /hello/{name}");
    assert!(received.contains("url.path: Str(/hello/Ada)"), "{received}");
}

/// The warnings about telemetry that it logged, whole.
fn warnings(process: &Process) -> Vec<String> {
    let is_one = |line: &Value| line["level"] == "WARN" && line["target"] == "seaworthy::telemetry";
    process.logs().iter().filter(|line| is_one(line)).map(Value::to_string).collect()
}
