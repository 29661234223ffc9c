use super::{server::Server, *};

#[test]
fn messages_are_compressed_where_that_is_asked_for() {
    for protocol in PROTOCOLS {
        for compression in ["gzip", "none", ""] {
            let server = Server::start(|received| received.ok());
            let variables =
                [("OTEL_EXPORTER_OTLP_PROTOCOL", protocol), ("OTEL_EXPORTER_OTLP_COMPRESSION", compression)];
            let (exporter, queue) = exporter(&format!("http://{}", server.address), &variables);
            make_spans(&queue, 400);
            assert!(exporter.flush(LONG));
            let received = server.requests.try_recv().unwrap();
            let (request, compressed) = received.decoded();
            assert_eq!(count(&request), 400);
            assert_eq!(compressed, compression == "gzip", "{protocol}");
            let size = received.body.len();
            assert_eq!(size < 3000, compressed, "{protocol}: 400 spans are {size} bytes");
        }
    }
}
