//! Whatever a client sends, the service goes on serving.

use std::{
    io::Write,
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use seaworthy::testing::{Connection, Process};

use crate::support::{assert_serves_on, fixture, machine, metric};

#[test]
fn a_client_that_sends_its_headers_slowly_is_closed() {
    let process = fixture().env("HEADER_READ_TIMEOUT", "500ms").spawn();
    process.wait_ready();
    let beginnings: [&[u8]; 4] = [
        b"",
        b"G",
        b"GET /fast HTTP/1.1\r\nhost: a\r\n",
        // An HTTP/2 client that is silent after half of its preface.
        b"PRI * HTTP/2.0\r\n\r\n",
    ];
    for beginning in beginnings {
        let mut slow = process.connect();
        slow.send_bytes(beginning).unwrap();
        let began = Instant::now();
        let answer = slow.rest().unwrap_or_default();
        assert!(began.elapsed() < Duration::from_secs(5), "{beginning:?}");
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{beginning:?}: {answer:?}");
    }
    // The same between two requests, but only once a request began: an idle connection is kept.
    let mut kept = process.connect();
    assert_eq!(kept.get("/fast").unwrap().text(), "ok");
    kept.send_bytes(b"GET /fast").unwrap();
    assert!(kept.is_closed().unwrap_or(true));
    assert_serves_on(&process);
}

#[test]
fn a_client_that_sends_its_body_slowly_gets_an_error() {
    let process = fixture().env("REQUEST_TIMEOUT", "500ms").spawn();
    process.wait_ready();
    let mut slow = process.connect();
    slow.send_bytes(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nnine").unwrap();
    let answer = slow.receive().unwrap();
    assert!(matches!(answer.status, 408 | 503), "{answer:?}");
    assert_serves_on(&process);
}

#[test]
fn a_header_of_1_mb_is_refused() {
    let process = fixture().spawn();
    process.wait_ready();
    let mut large = process.connect();
    let request = format!("GET /fast HTTP/1.1\r\nhost: a\r\nx-large: {}\r\n\r\n", "a".repeat(1 << 20));
    // The server may stop to read before all is sent.
    let _stopped = large.send_bytes(request.as_bytes());
    if let Ok((status, _)) = large.head() {
        assert!(matches!(status, 400 | 431), "{status}");
    }
    assert_serves_on(&process);
}

#[test]
fn a_body_beyond_the_limit_gets_413() {
    let process = fixture().env("REQUEST_BODY_LIMIT", "1KiB").spawn();
    process.wait_ready();
    let body = vec![b'a'; 1025];
    let mut connection = process.connect();
    let answer = connection.request("POST", "/echo", &[], &body).unwrap();
    assert_eq!(answer.status, 413);
    let mut chunked = process.connect();
    chunked.send("POST", "/echo", &[("transfer-encoding", "chunked")], b"").unwrap();
    let mut bytes = b"401\r\n".to_vec();
    bytes.extend(&body);
    bytes.extend(b"\r\n0\r\n\r\n");
    chunked.send_bytes(&bytes).unwrap();
    assert_eq!(chunked.receive().unwrap().status, 413);
    // One that just fits.
    let mut connection = process.connect();
    let answer = connection.request("POST", "/echo", &[], &body[1..]).unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 1024));
    assert_serves_on(&process);
}

#[test]
fn what_is_no_http_is_answered_with_400_or_closed() {
    let process = fixture().env("HEADER_READ_TIMEOUT", "500ms").spawn();
    process.wait_ready();
    let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let inputs: [&[u8]; 9] = [
        &noise,
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /fast HTTP/9.9\r\n\r\n",
        b"GET /fast HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: minus\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        // A TLS client that took the wrong port.
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ];
    for input in inputs {
        let answer = answer_to(&process, input);
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4") || answer.starts_with(b"HTTP/1.0 4"),
            "{:?}: {}",
            String::from_utf8_lossy(&input[..input.len().min(60)]),
            String::from_utf8_lossy(&answer)
        );
    }
    assert_serves_on(&process);
}

#[test]
fn wrong_http2_prefaces_and_frames_are_closed() {
    let process = fixture().env("HEADER_READ_TIMEOUT", "500ms").spawn();
    process.wait_ready();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let with = |frame: &[u8]| [preface.as_slice(), &settings, frame].concat();
    let inputs = [
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_vec(),
        b"PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n".to_vec(),
        // No SETTINGS first.
        [preface.as_slice(), b"GET / HTTP/1.1\r\n\r\n"].concat(),
        // A frame longer than the largest allowed.
        with(&[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]),
        // HEADERS on an even stream, and with a broken header block.
        with(&[0, 0, 1, 1, 5, 0, 0, 0, 2, 0x82]),
        with(&[0, 0, 3, 1, 5, 0, 0, 0, 1, 0xff, 0xff, 0xff]),
        // DATA on a stream that was never opened.
        with(&[0, 0, 0, 0, 1, 0, 0, 0, 9]),
    ];
    for input in inputs {
        let answer = answer_to(&process, &input);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    assert_serves_on(&process);
}

#[test]
fn ten_thousand_connections_that_are_opened_and_left_do_no_harm() {
    let _machine = machine();
    let count = 10_000;
    raise_file_limit(count + 500);
    let process = fixture().env("MAX_CONNECTIONS", (count + 100).to_string()).env("HEADER_READ_TIMEOUT", "15s").spawn();
    process.wait_ready();
    let address = process.http_addr();
    let left: Vec<_> =
        (0..count).map(|n| TcpStream::connect(address).unwrap_or_else(|error| panic!("{n}: {error}"))).collect();
    assert_eq!(process.get("/fast").text(), "ok");
    assert_eq!(process.admin("/health").status, 200);
    assert_eq!(process.admin("/ready").status, 200);
    drop(left);
    assert_serves_on(&process);
}

#[test]
fn connections_that_are_left_open_are_closed_when_their_headers_do_not_come() {
    let process = fixture().env("HEADER_READ_TIMEOUT", "300ms").spawn();
    process.wait_ready();
    let mut left: Vec<_> = (0..200).map(|_| process.connect()).collect();
    for connection in &mut left {
        assert!(connection.is_closed().unwrap_or(true));
    }
    assert_serves_on(&process);
}

#[test]
fn connections_beyond_the_limit_are_closed_at_once() {
    let process = fixture().env("MAX_CONNECTIONS", "10").spawn();
    process.wait_ready();
    let mut kept: Vec<_> = (0..10).map(|_| process.connect()).collect();
    for connection in &mut kept {
        assert_eq!(connection.get("/fast").unwrap().text(), "ok");
    }
    let mut refused = process.connect();
    let _closed_before = refused.send("GET", "/fast", &[], b"");
    assert!(refused.is_closed().unwrap_or(true));
    // Probes have a listener of their own.
    assert_eq!(process.admin("/ready").status, 200);
    for connection in &mut kept {
        assert_eq!(connection.get("/fast").unwrap().text(), "ok");
    }
    drop(kept);
    process.wait_until("a connection is taken again", || {
        Connection::open(process.http_addr())
            .and_then(|mut connection| connection.get("/fast"))
            .is_ok_and(|answer| answer.status == 200)
    });
    assert_serves_on(&process);
}

#[test]
fn requests_beyond_the_limit_in_flight_get_503_at_once_and_probes_are_answered() {
    let process = fixture().env("MAX_IN_FLIGHT", "2").spawn();
    process.wait_ready();
    let mut slow: Vec<_> = (0..2).map(|_| process.connect()).collect();
    for connection in &mut slow {
        connection.send("GET", "/slow?ms=1000", &[], b"").unwrap();
    }
    process.wait_until("both are in flight", || {
        metric(&process.admin("/metrics"), "http_server_active_requests", &[]) == 2.0
    });
    let shed = process.get("/fast");
    assert_eq!(shed.status, 503);
    assert!(shed.header("retry-after").is_some(), "{shed:?}");
    assert_eq!(process.get("/health").status, 200);
    assert_eq!(process.get("/ready").status, 200);
    let metrics = process.admin("/metrics");
    assert_eq!(metric(&metrics, "seaworthy_requests_shed_total", &[]), 1.0);
    for connection in &mut slow {
        assert_eq!(connection.receive().unwrap().text(), "done");
    }
    assert_serves_on(&process);
}

#[test]
fn a_handler_beyond_its_deadline_gets_503() {
    let process = fixture().env("REQUEST_TIMEOUT", "200ms").spawn();
    process.wait_ready();
    assert_eq!(process.get("/slow?ms=60000").status, 503);
    let labels = [("http_route", "/slow"), ("error_type", "timeout")];
    let metrics = process.admin("/metrics");
    let count = metric(&metrics, "http_server_request_duration_seconds_count", &labels);
    assert_eq!(count, 1.0, "{}", metrics.text());
    assert_serves_on(&process);
}

#[test]
fn a_client_that_goes_away_cancels_its_request_and_is_counted() {
    let process = fixture().spawn();
    process.wait_ready();
    let mut gone = process.connect();
    gone.send("GET", "/slow?ms=60000", &[], b"").unwrap();
    process.wait_for_log(|line| line["message"] == "slow request began");
    drop(gone);
    let labels = [("http_route", "/slow"), ("error_type", "cancelled")];
    process.wait_until("the request is counted as cancelled", || {
        let metrics = process.admin("/metrics");
        metric(&metrics, "http_server_request_duration_seconds_count", &labels) == 1.0
            && metric(&metrics, "http_server_active_requests", &[]) == 0.0
    });
    assert_serves_on(&process);
}

#[test]
fn a_panic_in_a_handler_gets_500_with_the_trace_id_and_the_connection_lives_on() {
    let process = fixture().spawn();
    process.wait_ready();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let mut connection = process.connect();
    for round in 1..=3_u8 {
        let answer = connection.request("GET", "/panic", &[("traceparent", &parent)], b"").unwrap();
        assert_eq!(answer.status, 500);
        let shown = format!("{:?} {}", answer.headers, answer.text());
        assert!(shown.contains(trace), "{shown}");
        assert!(!shown.contains("told to panic"), "the reason is ours: {shown}");
        let metrics = process.admin("/metrics");
        assert_eq!(metric(&metrics, "seaworthy_panics_total", &[]), f64::from(round));
    }
    assert_eq!(connection.get("/fast").unwrap().text(), "ok");
    let logged = process.wait_for_log(|line| line.to_string().contains("told to panic"));
    assert_eq!(logged["level"], "ERROR");
    assert_eq!(logged["trace_id"], trace);
    assert_serves_on(&process);
}

#[test]
fn an_error_of_a_handler_gets_500_and_its_text_stays_inside() {
    let process = fixture().spawn();
    process.wait_ready();
    let answer = process.get("/error");
    assert_eq!(answer.status, 500);
    assert!(!answer.text().contains("told to fail"), "{answer:?}");
    let logged = process.wait_for_log(|line| line.to_string().contains("told to fail"));
    assert_eq!(logged["level"], "ERROR");
    assert_eq!(logged["trace_id"].as_str().map(str::len), Some(32));
    assert_serves_on(&process);
}

#[test]
fn a_service_out_of_file_descriptors_recovers() {
    let process = Process::builder("prlimit")
        .arg("--nofile=64:64")
        .arg(env!("CARGO_BIN_EXE_fixture"))
        .env("ACCESS_LOG", "off")
        .env("DRAIN_TIMEOUT", "2s")
        .spawn();
    process.wait_ready();
    let address = process.http_addr();
    // More than it can take; the kernel keeps those that it didn't.
    let left: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    process.wait_for_log(|line| line["level"] == "WARN" || line["level"] == "ERROR");
    drop(left);
    assert_serves_on(&process);
}

/// Sends bytes and the end of the stream, and gives what the server sent until it closed.
fn answer_to(process: &Process, input: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(process.http_addr()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // The server may close before all is sent.
    let _closed = socket.write_all(input).and_then(|()| socket.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    match std::io::Read::read_to_end(&mut socket, &mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            panic!("not closed: {:?}", String::from_utf8_lossy(input))
        }
        // Closed or reset.
        _ => answer,
    }
}

/// Lets this process, and those it starts, open that many files.
fn raise_file_limit(count: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < count) {
        let maximum = limit.maximum.map(|maximum| maximum.max(count));
        setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum })
            .unwrap_or_else(|error| panic!("{count} files can't be opened ({error}): ulimit -n {count}"));
    }
}
