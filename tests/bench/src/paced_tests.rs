//! The client, and servers that behave and misbehave.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::*;

const REQUEST: &[u8] = b"GET /hello/Ada HTTP/1.1\r\nhost: bench\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length:  2\r\n\r\nhi";
const PATIENT: Duration = Duration::from_secs(3600);

/// Even tests of the client share their machine, so it may be late.
fn pace(per_second: f64, milliseconds: u64) -> Pace {
    Pace { per_second, warm_up: Duration::ZERO, lasts: Duration::from_millis(milliseconds), late: PATIENT }
}

/// A server that answers each request with what the function says of its number, over all connections; it ends with the
/// tests.
fn serve(answer: impl Fn(u64) -> Vec<Vec<u8>> + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (answer, asked) = (Arc::new(answer), Arc::<AtomicU64>::default());
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (answer, count) = (Arc::clone(&answer), Arc::clone(&count));
            thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while let Some(Ok(line)) = lines.next() {
                    if line.is_empty() {
                        for part in answer(count.fetch_add(1, Ordering::Relaxed)) {
                            // The client may have left: it had what it needed.
                            let _ = stream.write_all(&part);
                        }
                    }
                }
            });
        }
    });
    (address, asked)
}

#[test]
fn requests_are_evenly_spaced() {
    let warm_up = Duration::from_millis(500);
    let schedule = Schedule::new(Pace { warm_up, ..pace(80_000.0, 1_000) });
    assert_eq!((schedule.warm, schedule.total, schedule.measured()), (40_000, 120_000, 80_000));
    assert_eq!([0, 1, 2, 80_000].map(|request| schedule.due(request)), [0, 12_500, 25_000, 1_000_000_000]);
}

#[test]
fn an_answer_has_its_length() {
    assert_eq!(length(OK), Ok(Some(OK.len())));
    assert_eq!(length(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\ndate: now\r\n\r\n"), Ok(Some(70)));
    for partial in [&b""[..], b"HTTP/1.", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r"] {
        assert_eq!(length(partial), Ok(None));
    }
    assert_eq!(length(b"HTTP/1.1 503 \r\n"), Err("an answer is no 200: HTTP/1.1 503 ".into()));
    assert_eq!(length(b"HTTP/1.1 200 OK\r\n\r\n"), Err("an answer doesn't say its length".into()));
}

#[test]
fn a_percentile_is_a_sample() {
    let mut samples = Samples::new(200);
    (1..=200).rev().for_each(|sample| samples.add(sample * 1_000));
    let samples = samples.sort();
    assert_eq!([0.5, 0.9, 0.99, 1.0].map(|share| samples.at(share)), [100.0, 180.0, 198.0, 200.0]);
}

#[test]
fn samples_never_grow() {
    let samples = Samples::new(1_000);
    let before = samples.0.as_ptr();
    let mut samples = samples;
    (0..1_000).for_each(|_| samples.add(u64::MAX));
    assert_eq!(samples.0.as_ptr(), before);
    assert_eq!(samples.at(0.5), f64::from(u32::MAX) / 1e3);
}

#[test]
fn each_request_is_sent_once_and_none_early() {
    let (server, asked) = serve(|_| vec![OK.to_vec()]);
    let start = Instant::now();
    let latency = run(server, REQUEST, Pace { warm_up: Duration::from_millis(100), ..pace(2_000.0, 200) }).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 600);
    assert!(start.elapsed() >= Duration::from_micros(299_500), "the last one is due after 299.5 ms");
    assert!(latency.median <= latency.p90 && latency.p90 <= latency.p99, "{latency:?}");
    assert!(latency.median > 0.0, "{latency:?}");
}

#[test]
fn an_answer_may_come_in_pieces() {
    let (server, asked) = serve(|_| OK.chunks(7).map(<[u8]>::to_vec).collect());
    run(server, REQUEST, pace(1_000.0, 100)).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 100);
}

/// All others answer at once: where latency counted from when a request was sent, one in 640 would have been slow.
#[test]
fn requests_that_wait_for_a_connection_count_from_when_they_were_due() {
    let (server, _) = serve(|request| {
        if request == 0 {
            thread::sleep(Duration::from_millis(500));
        }
        vec![OK.to_vec()]
    });
    let latency = run(server, REQUEST, pace(6_400.0, 100)).unwrap();
    // Ten were due on the connection that stalled, from 0 to 90 ms; nine more than the hundredth part is.
    assert!(latency.p99 > 400_000.0, "{latency:?}");
}

#[test]
fn an_answer_that_is_no_200_ends_it() {
    let (server, _) = serve(|request| match request {
        70 => vec![b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_vec()],
        _ => vec![OK.to_vec()],
    });
    let error = run(server, REQUEST, pace(1_000.0, 1_000)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the service doesn't answer as it should: an answer is no 200: HTTP/1.1 503 Service Unavailable"
    );
}

#[test]
fn an_answer_too_many_ends_it() {
    let (server, _) = serve(|_| vec![[OK, OK].concat()]);
    let error = run(server, REQUEST, pace(1_000.0, 100)).unwrap_err();
    assert_eq!(error.to_string(), "the service doesn't answer as it should: there is more than was asked for");
}

#[test]
fn a_client_that_is_late_itself_measures_nothing() {
    let (server, _) = serve(|_| vec![OK.to_vec()]);
    // Four in a nanosecond: no machine can.
    let late = Duration::from_micros(250);
    let error = run(server, REQUEST, Pace { late, ..pace(4e9, 1) }).unwrap_err();
    assert!(matches!(error, Unmeasured::Late(_)), "{error}");
    assert_eq!(
        error.to_string(),
        "the client doesn't keep 4000000000 requests a second: it was over 250µs late for more than 1 % of them. Nothing else \
         may run on this machine"
    );
}
