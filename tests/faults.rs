//! Whatever becomes of the collector and of stdout, requests are served, memory stays bounded, and what is lost is counted.

use std::{
    fs::File,
    io,
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, kill_process};
use seaworthy::testing::{Connection, Process, ProcessBuilder, Response, Signal};

use crate::support::{
    FLAT,
    collector::Collector,
    fixture, machine, metric, one_core, own_address, resident,
    scripted::{
        Behaviour::{self, Hangs, Refuses, Says, Takes},
        Scripted,
    },
    tools::{self, Generator},
    wait_until,
};

/// What a collector may do instead of taking spans, and as what the spans are counted.
const OUTAGES: &[(Behaviour, &str)] = &[
    (Refuses, "export_failed"),
    (Hangs, "export_failed"),
    (Says("HTTP/1.1 500 Oh\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"), "rejected"),
    (Says("HTTP/1.1 429 Slow\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"), "export_failed"),
    (Says("SSH-2.0-OpenSSH_9.2\r\n"), "export_failed"),
    (Says("HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>"), "rejected"),
    (Says("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n\n"), "export_failed"),
    (Says(""), "export_failed"),
];

/// The fixture with a collector there, and little patience with it.
fn exporting(fixture: ProcessBuilder, endpoint: &str) -> ProcessBuilder {
    fixture
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
        .env("OTEL_BSP_SCHEDULE_DELAY", "20")
        .env("OTEL_BSP_EXPORT_TIMEOUT", "300")
        .env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "64")
        .env("OTEL_BSP_MAX_QUEUE_SIZE", "256")
}

/// Sends requests, one after the other, and asserts that none waits for the collector.
fn ask(process: &Process, requests: u32) {
    ask_at(process.http_addr(), requests);
}

fn ask_at(address: SocketAddr, requests: u32) {
    let began = Instant::now();
    let mut connection = Connection::open(address).unwrap();
    for _ in 0..requests {
        assert_eq!(connection.get("/fast").unwrap().text(), "ok");
    }
    // If each waited for one attempt, it would be ten times that.
    let most = Duration::from_secs(1) + Duration::from_millis(10) * requests;
    assert!(began.elapsed() < most, "{requests} took {:?}", began.elapsed());
}

fn dropped(metrics: &Response, reason: &str) -> f64 {
    metric(metrics, "seaworthy_spans_dropped_total", &[("reason", reason)])
}

fn exported(metrics: &Response) -> f64 {
    metric(metrics, "seaworthy_spans_exported_total", &[])
}

/// How often it said that spans don't arrive, and that they do again.
fn said(process: &Process) -> (usize, usize) {
    let logs = process.logs();
    let count = |level: &str, text: &str| {
        let is_it = |line: &&serde_json::Value| {
            line["level"] == level && line["message"].as_str().is_some_and(|message| message.contains(text))
        };
        logs.iter().filter(is_it).count()
    };
    (count("WARN", "spans don't reach"), count("INFO", "spans reach"))
}

#[test]
fn each_outage_of_the_collector_is_said_once_and_costs_only_spans_which_are_counted() {
    let mut collector = Scripted::start(Takes);
    let process = exporting(fixture(), &collector.endpoint()).spawn();
    process.wait_ready();
    let mut requests = 1;
    ask(&process, 1);
    process.wait_until("the collector has a span", || collector.taken() == 1);
    for (number, (behaviour, reason)) in OUTAGES.iter().enumerate() {
        let before = process.admin("/metrics");
        collector.behave(*behaviour);
        // More than the queue takes.
        ask(&process, 200);
        process.wait_until("spans are given up", || {
            dropped(&process.admin("/metrics"), reason) >= dropped(&before, reason) + 64.0
        });
        ask(&process, 200);
        process.wait_until("that it began is said", || said(&process) == (number + 1, number));
        let before = exported(&process.admin("/metrics"));
        collector.behave(Takes);
        ask(&process, 1);
        requests += 401;
        process.wait_until("that it is over is said", || said(&process) == (number + 1, number + 1));
        process.wait_until("spans are counted again", || exported(&process.admin("/metrics")) > before);
    }
    // A span of the server and one of the handler. Probes have none.
    process.wait_until("each span is accounted for", || {
        let metrics = process.admin("/metrics");
        let lost: f64 =
            ["queue_full", "export_failed", "rejected"].iter().map(|reason| dropped(&metrics, reason)).sum();
        exported(&metrics) + lost == f64::from(2 * requests)
    });
    assert_eq!(said(&process), (OUTAGES.len(), OUTAGES.len()));
    let end = process.assert_contract();
    assert!(end.elapsed < Duration::from_secs(5), "{end:?}");
}

#[test]
fn a_collector_of_grpc_may_be_killed_and_come_back() {
    let collector = Collector::start();
    let addresses = collector.addresses();
    let process = exporting(fixture(), &addresses.endpoint("grpc")).env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").spawn();
    process.wait_ready();
    ask(&process, 1);
    process.wait_until("the collector has its spans", || collector.count() == 2);
    drop(collector);
    ask(&process, 200);
    process.wait_until("spans are given up", || dropped(&process.admin("/metrics"), "export_failed") >= 64.0);
    process.wait_until("that is said", || said(&process) == (1, 0));

    let collector = Collector::start_at(addresses);
    ask(&process, 1);
    process.wait_until("spans arrive again", || collector.count() >= 2);
    process.wait_until("that is said", || said(&process) == (1, 1));
    process.assert_contract();
}

#[test]
fn whatever_a_collector_of_grpc_says_is_said_once() {
    // The settings of HTTP/2, and then a header of an impossible length.
    let nonsense = "\0\0\0\x04\0\0\0\0\0\x7f\x7f\x7f\x01\x04\0\0\0\x01";
    let mut collector = Scripted::start(Refuses);
    let process = exporting(fixture(), &collector.endpoint()).env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").spawn();
    process.wait_ready();
    for behaviour in [Refuses, Hangs, Says("HTTP/1.1 200 OK\r\n\r\n"), Says(nonsense), Says("")] {
        collector.behave(behaviour);
        let lost = || dropped(&process.admin("/metrics"), "export_failed");
        let before = lost();
        ask(&process, 200);
        process.wait_until("spans are given up", || lost() >= before + 64.0);
    }
    assert_eq!(said(&process), (1, 0));
    let end = process.assert_contract();
    assert!(end.elapsed < Duration::from_secs(6), "{end:?}");
}

#[test]
fn a_collector_that_asks_for_time_gets_it() {
    let says = "HTTP/1.1 429 Slow\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let mut collector = Scripted::start(Says(says));
    let process = exporting(fixture(), &collector.endpoint()).env("OTEL_BSP_EXPORT_TIMEOUT", "20000").spawn();
    process.wait_ready();
    ask(&process, 10);
    process.wait_until("it was asked", || !collector.requests().is_empty());
    collector.behave(Takes);
    process.wait_until("the spans arrive", || collector.taken() == 10);
    let requests = collector.requests();
    assert!(requests[1] - requests[0] >= Duration::from_secs(1), "{requests:?}");
    let metrics = process.admin("/metrics");
    assert_eq!(["queue_full", "export_failed", "rejected"].map(|reason| dropped(&metrics, reason)), [0.0; 3]);
    process.assert_contract();
}

#[test]
fn memory_stays_flat_while_the_collector_is_away() {
    let _machine = machine();
    for behaviour in [Refuses, Hangs] {
        let collector = Scripted::start(behaviour);
        let process = exporting(fixture(), &collector.endpoint()).spawn();
        process.wait_ready();
        let load = |requests| Generator::h2load_requests(process.http_addr(), requests).join();
        assert_eq!(load(5_000), 5_000);
        let before = resident(process.id());
        assert_eq!(load(20_000), 20_000);
        let after = resident(process.id());
        println!("{behaviour:?}: {before} KiB, then {after} KiB");
        assert!(after < before + FLAT, "{behaviour:?}: {before} KiB grew to {after} KiB");
        assert_eq!(said(&process), (1, 0));
        process.signal(Signal::Term);
        let exit = process.wait_exit(Duration::from_secs(12));
        assert_eq!(exit.code, Some(0), "{behaviour:?}");
        assert!(exit.elapsed < Duration::from_secs(6), "{behaviour:?}: {exit:?}");
    }
}

#[test]
fn a_stdout_that_nobody_reads_costs_only_lines_which_are_counted() {
    let _machine = machine();
    let deaf = Deaf::start(Command::new(env!("CARGO_BIN_EXE_fixture")), Stdio::piped());
    let load = |requests| Generator::h2load_requests(deaf.http, requests).join();
    let lost = || metric(&deaf.admin("/metrics"), "seaworthy_logs_dropped_total", &[("reason", "queue_full")]);
    // As many lines as are kept, and more.
    assert_eq!(load(15_000), 15_000);
    let (before, lost_before) = (resident(deaf.child.id()), lost());
    assert!(lost_before > 0.0, "nothing is lost yet");
    assert_eq!(load(20_000), 20_000);
    wait_until("each line is counted", || lost() >= lost_before + 20_000.0);
    let after = resident(deaf.child.id());
    println!("{before} KiB, then {after} KiB");
    assert!(after < before + FLAT, "{before} KiB grew to {after} KiB");
    deaf.assert_stops();
}

#[test]
fn a_stdout_that_is_full_or_gone_costs_only_lines_which_are_counted() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (_, gone) = io::pipe().unwrap();
    for stdout in [Stdio::from(full), Stdio::from(gone)] {
        let deaf = Deaf::start(Command::new(env!("CARGO_BIN_EXE_fixture")), stdout);
        ask_at(deaf.http, 100);
        wait_until("each line is counted", || {
            metric(&deaf.admin("/metrics"), "seaworthy_logs_dropped_total", &[("reason", "write_error")]) >= 100.0
        });
        deaf.assert_stops();
    }
}

#[test]
fn one_core_and_one_thread_are_enough_while_nobody_reads_and_nobody_collects() {
    let collector = Scripted::start(Hangs);
    let mut command = Command::new(tools::installed("taskset", "util-linux"));
    command.args(["-c", &one_core(), env!("CARGO_BIN_EXE_fixture")]).env("TOKIO_WORKER_THREADS", "1");
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()).env("OTEL_BSP_SCHEDULE_DELAY", "20");
    let deaf = Deaf::start(command, Stdio::piped());
    ask_at(deaf.http, 1000);
    wait_until("the collector hangs", || !collector.requests().is_empty());
    ask_at(deaf.http, 1000);
    wait_until("spans are lost", || dropped(&deaf.admin("/metrics"), "queue_full") > 0.0);
    for probe in ["/health", "/ready"] {
        assert_eq!(deaf.admin(probe).status, 200);
    }
    deaf.assert_stops();
}

#[test]
fn one_core_and_one_thread_are_enough_to_come_back() {
    let mut collector = Scripted::start(Hangs);
    let one_core = Process::builder(tools::installed("taskset", "util-linux"))
        .arg("-c")
        .arg(one_core())
        .arg(env!("CARGO_BIN_EXE_fixture"))
        .env("TOKIO_WORKER_THREADS", "1")
        .env("ACCESS_LOG", "off")
        .env("DRAIN_TIMEOUT", "2s");
    let process = exporting(one_core, &collector.endpoint()).spawn();
    process.wait_ready();
    ask(&process, 200);
    process.wait_until("spans are given up", || dropped(&process.admin("/metrics"), "export_failed") >= 64.0);
    collector.behave(Takes);
    ask(&process, 1);
    process.wait_until("spans arrive again", || said(&process) == (1, 1));
    process.assert_contract();
}

/// The fixture with access lines for a stdout that nobody reads. It is killed when dropped.
struct Deaf {
    child: Child,
    http: SocketAddr,
    admin: SocketAddr,
}

impl Deaf {
    fn start(mut command: Command, stdout: Stdio) -> Self {
        let [http, admin] = [own_address(), own_address()];
        // Where it is a pipe, the test's end stays open, and full.
        let child = command
            .env("HTTP_ADDR", http.to_string())
            .env("ADMIN_ADDR", admin.to_string())
            .env("LOG_FORMAT", "json")
            .env("ACCESS_LOG", "all")
            .env("DRAIN_TIMEOUT", "2s")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deaf = Self { child, http, admin };
        wait_until("it is ready", || {
            let answer = Connection::open(admin).and_then(|mut admin| admin.get("/ready"));
            answer.is_ok_and(|answer| answer.status == 200)
        });
        deaf
    }

    fn admin(&self, path: &str) -> Response {
        Connection::open(self.admin).and_then(|mut admin| admin.get(path)).unwrap()
    }

    /// Asserts that it stops on SIGTERM, in time and with nothing cut.
    fn assert_stops(mut self) {
        let began = Instant::now();
        kill_process(Pid::from_child(&self.child), rustix::process::Signal::TERM).unwrap();
        let mut status: Option<ExitStatus> = None;
        wait_until("it exits", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.and_then(|status| status.code()), Some(0));
        // Flushing may take 3 s.
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}
