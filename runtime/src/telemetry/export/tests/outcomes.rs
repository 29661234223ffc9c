//! What an answer means for the spans.

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use super::{
    server::{Body, Received, Server, grpc, http},
    *,
};

/// What became of a message.
#[derive(Debug, PartialEq)]
enum Outcome {
    Taken { rejected: u64 },
    Again { after: Option<u64> },
    Refused,
}

type Answer = fn() -> Response<Body>;

use Outcome::{Again, Refused, Taken};

const NOW: Outcome = Again { after: None };

async fn sent(address: &str, protocol: &str, within: Duration) -> (Outcome, String) {
    let variables = [("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
    let mut transport = Transport::new(settings(&format!("http://{address}"), &variables));
    let message = message(&transport, &[10, 0]);
    match transport.send(message, within).await {
        Ok(rejected) => (Taken { rejected }, String::new()),
        Err(Failure::Retry { why, after }) => (Again { after: after.map(|after| after.as_secs()) }, why),
        Err(Failure::Refused { why }) => (Refused, why),
    }
}

async fn answered(protocol: &str, answer: Answer) -> (Outcome, String) {
    let server = Server::start(move |_: &Received| Some(answer()));
    sent(&server.address, protocol, LONG).await
}

/// A body that ends with an error.
fn broken(start: &'static [u8]) -> Body {
    let error = std::io::Error::other("gone");
    let frames = [Ok(Frame::data(Bytes::from_static(start))), Err(error)];
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

#[tokio::test]
async fn of_http() {
    const KIND: &str = "content-type";
    const PROTOBUF: (&str, &str) = (KIND, "application/x-protobuf");
    let cases: [(Answer, Outcome); _] = [
        (|| http(200, &[], b""), Taken { rejected: 0 }),
        (|| http(202, &[], b""), Taken { rejected: 0 }),
        // `partial_success { rejected_spans: 3, error_message: "x" }`, and one that rejects none.
        (|| http(200, &[PROTOBUF], b"\x0a\x05\x08\x03\x12\x01x"), Taken { rejected: 3 }),
        (|| http(200, &[PROTOBUF], b"\x0a\x03\x12\x01x"), Taken { rejected: 0 }),
        (|| http(200, &[(KIND, "application/json")], b"{}"), Taken { rejected: 0 }),
        (|| http(200, &[("content-encoding", "gzip")], b"\x1f\x8b"), Taken { rejected: 0 }),
        (|| http(200, &[("content-encoding", "identity")], b"\x0a\x02\x08\x03"), Taken { rejected: 3 }),
        (|| http(200, &[], b"<html"), Refused),
        (|| http(200, &[], &[0; 100_000]), Refused),
        (|| http(302, &[("location", "/")], b""), Refused),
        (|| http(400, &[], b""), Refused),
        (|| http(401, &[], b""), Refused),
        (|| http(413, &[], b""), Refused),
        (|| http(500, &[], b""), Refused),
        (|| http(429, &[("retry-after", "7")], b""), Again { after: Some(7) }),
        (|| http(429, &[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], b""), NOW),
        (|| http(502, &[], b""), NOW),
        (|| http(503, &[("retry-after", "soon")], b""), NOW),
        (|| http(504, &[], b""), NOW),
        (|| Response::new(broken(b"")), NOW),
        (|| Response::new(broken(b"\x0a\x02")), NOW),
    ];
    for (number, (answer, expected)) in cases.into_iter().enumerate() {
        let (outcome, why) = answered("http/protobuf", answer).await;
        assert_eq!(outcome, expected, "{number}: {why}");
    }
}

#[tokio::test]
async fn of_grpc() {
    let cases: [(Answer, Outcome); _] = [
        (|| grpc(b"\0\0\0\0\0", "0"), Taken { rejected: 0 }),
        (|| grpc(b"\0\0\0\0\x04\x0a\x02\x08\x03", "0"), Taken { rejected: 3 }),
        (|| grpc(b"\x01\0\0\0\x02\x1f\x8b", "0"), Taken { rejected: 0 }),
        (|| grpc(b"\0\0\0\0\x05<html", "0"), Refused),
        // The status alone, as a header.
        (|| http(200, &[("grpc-status", "14"), ("grpc-message", "away")], b""), NOW),
        (|| http(200, &[("grpc-status", "16")], b""), Refused),
        (|| grpc(b"", "1"), NOW),
        (|| grpc(b"", "3"), Refused),
        (|| grpc(b"", "4"), NOW),
        (|| grpc(b"", "8"), NOW),
        (|| grpc(b"", "12"), Refused),
        (|| grpc(b"", "many"), Refused),
        (|| http(200, &[], b"<html>"), Refused),
        (|| http(503, &[], b""), NOW),
        (|| Response::new(broken(b"\0\0")), NOW),
    ];
    for (number, (answer, expected)) in cases.into_iter().enumerate() {
        let (outcome, why) = answered("grpc", answer).await;
        assert_eq!(outcome, expected, "{number}: {why}");
    }
    let (_, why) = answered("grpc", || grpc(b"", "3")).await;
    assert_eq!(why, "it answered with gRPC status 3: said");
}

/// Whoever listens there speaks no HTTP, goes away in the middle of it, or says nothing more.
#[tokio::test]
async fn of_what_is_no_answer() {
    for protocol in PROTOCOLS {
        for (said, closes) in [
            ("", true),
            ("garbage\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\ncontent-le", true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", false),
            ("", false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let (done, wait) = channel::<()>();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                _ = stream.read(&mut [0; 4096]).unwrap();
                stream.write_all(said.as_bytes()).unwrap();
                if !closes {
                    // Until the other end of it is gone.
                    _ = wait.recv();
                }
            });
            let within = if closes { LONG } else { Duration::from_millis(100) };
            let (outcome, why) = sent(&address, protocol, within).await;
            assert_eq!(outcome, NOW, "{protocol}: {said:?}: {why}");
            drop(done);
            server.join().unwrap();
        }
    }
}

#[test]
fn a_connection_that_leads_nowhere_is_not_used_again() {
    for protocol in PROTOCOLS {
        let server = Server::start(|received| if received.connection == 0 { None } else { received.ok() });
        let variables = [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "200"),
            ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ];
        let (exporter, queue) = exporter(&format!("http://{}", server.address), &variables);
        make_spans(&queue, 1);
        let connections = [(); 2].map(|()| server.requests.recv_timeout(LONG).unwrap().connection);
        assert_eq!(connections, [0, 1], "{protocol}");
        assert!(exporter.flush(LONG));
    }
}

#[test]
fn a_connection_is_used_again_while_all_is_well() {
    for protocol in PROTOCOLS {
        let server = Server::start(|received| received.ok());
        let (exporter, queue) =
            exporter(&format!("http://{}", server.address), &[("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
        for _ in 0..3 {
            make_spans(&queue, 1);
            assert!(exporter.flush(LONG));
        }
        let connections: Vec<_> = server.requests.try_iter().map(|received| received.connection).collect();
        assert_eq!(connections, [0, 0, 0], "{protocol}");
    }
}
