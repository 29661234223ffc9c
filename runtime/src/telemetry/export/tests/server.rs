//! A collector of HTTP/1.1 and HTTP/2 that answers as it is told.

use std::{convert::Infallible, future::pending, io, sync::mpsc::Sender};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Request, Response, request};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::*;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

pub(super) struct Server {
    pub(super) address: String,
    pub(super) requests: Receiver<Received>,
}

/// A request, as it came.
pub(super) struct Received {
    /// Which connection it came by, from 0.
    pub(super) connection: usize,
    pub(super) head: request::Parts,
    pub(super) body: Bytes,
}

/// What is done with a connection before HTTP.
pub(super) trait Accept: Clone + Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Send + Unpin;

    fn accept(self, stream: tokio::net::TcpStream) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// Nothing.
#[derive(Clone)]
pub(super) struct Plain;

// === impl Plain ===

impl Accept for Plain {
    type Stream = tokio::net::TcpStream;

    async fn accept(self, stream: tokio::net::TcpStream) -> io::Result<Self::Stream> {
        Ok(stream)
    }
}

// === impl Server ===

impl Server {
    /// Where the answer is `None`, there is none.
    pub(super) fn start(answer: impl Fn(&Received) -> Option<Response<Body>> + Clone + Send + 'static) -> Self {
        Self::behind(Plain, answer)
    }

    pub(super) fn behind(
        accept: impl Accept,
        answer: impl Fn(&Received) -> Option<Response<Body>> + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        listener.set_nonblocking(true).unwrap();
        let (sender, requests) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        thread::spawn(move || runtime.block_on(serve(listener, accept, answer, sender)));
        Self { address, requests }
    }
}

async fn serve(
    listener: TcpListener,
    accept: impl Accept,
    answer: impl Fn(&Received) -> Option<Response<Body>> + Clone + Send + 'static,
    sender: Sender<Received>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    for connection in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        let (accept, answer, sender) = (accept.clone(), answer.clone(), sender.clone());
        tokio::spawn(async move {
            let Ok(stream) = accept.accept(stream).await else { return };
            let service = service_fn(move |request: Request<Incoming>| {
                let (answer, sender) = (answer.clone(), sender.clone());
                async move {
                    let (head, body) = request.into_parts();
                    let received = Received { connection, head, body: body.collect().await.unwrap().to_bytes() };
                    let answer = answer(&received);
                    _ = sender.send(received);
                    match answer {
                        Some(answer) => Ok::<_, Infallible>(answer),
                        None => pending().await,
                    }
                }
            });
            _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

// === impl Received ===

impl Received {
    /// The request of OTLP within, and whether it was compressed.
    pub(super) fn decoded(&self) -> (ExportTraceServiceRequest, bool) {
        let header = |name| self.head.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(self.head.method, "POST");
        let (encoding, message) = match header("content-type").unwrap() {
            "application/x-protobuf" => {
                assert_eq!((self.head.version, self.head.uri.path()), (http::Version::HTTP_11, "/v1/traces"));
                assert_eq!(header("accept-encoding"), Some("identity"));
                (header("content-encoding"), &self.body[..])
            }
            "application/grpc" => {
                assert_eq!(self.head.uri.path(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
                assert_eq!((header("te"), header("grpc-accept-encoding")), (Some("trailers"), Some("identity")));
                let (flag, rest) = self.body.split_first().unwrap();
                let (length, message) = rest.split_first_chunk().unwrap();
                assert_eq!(u32::from_be_bytes(*length) as usize, message.len());
                assert_eq!(*flag == 1, header("grpc-encoding").is_some());
                (header("grpc-encoding"), message)
            }
            other => panic!("{other}"),
        };
        let Some(encoding) = encoding else {
            return (ExportTraceServiceRequest::decode(message).unwrap(), false);
        };
        assert_eq!(encoding, "gzip");
        let mut bytes = Vec::new();
        GzDecoder::new(message).read_to_end(&mut bytes).unwrap();
        (ExportTraceServiceRequest::decode(&bytes[..]).unwrap(), true)
    }

    /// That all is well, in the protocol of the request.
    pub(super) fn ok(&self) -> Option<Response<Body>> {
        let is_grpc = self.head.headers["content-type"] == "application/grpc";
        Some(if is_grpc { grpc(&[0, 0, 0, 0, 0], "0") } else { http(200, &[], b"") })
    }
}

pub(super) fn http(status: u16, headers: &[(&'static str, &'static str)], body: &'static [u8]) -> Response<Body> {
    let builder = Response::builder().status(status);
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    builder.body(Full::from(body).map_err(io::Error::other).boxed_unsync()).unwrap()
}

/// With the status where gRPC has it: after the message.
pub(super) fn grpc(message: &'static [u8], status: &'static str) -> Response<Body> {
    let trailers = HeaderMap::from_iter([
        (http::HeaderName::from_static("grpc-status"), http::HeaderValue::from_static(status)),
        (http::HeaderName::from_static("grpc-message"), http::HeaderValue::from_static("said")),
    ]);
    let body = Full::from(message).with_trailers(async { Some(Ok(trailers)) });
    let body = body.map_err(|never: Infallible| match never {}).boxed_unsync();
    Response::builder().header("content-type", "application/grpc").body(body).unwrap()
}
