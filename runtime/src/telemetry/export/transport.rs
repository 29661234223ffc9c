//! One OTLP request, over http/protobuf or gRPC.
//!
//! Both are a POST of the same bytes; gRPC puts five bytes before them, wants HTTP/2 and answers in trailers. That is all
//! of gRPC that an exporter needs, so hyper, which is here anyway, does both, and a second HTTP stack stays out of the tree.

use std::{error::Error, io::Write as _, time::Duration};

use bytes::Bytes;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{channel::Channel, connector::Connector, message::Message, queue::Batch};
use crate::telemetry::{
    settings::{Compression, ExporterSettings, Protocol},
    wire::{Raw, fields},
};

/// The largest answer that is read.
const ANSWER_LIMIT: usize = 64 * 1024;
/// The method of the OTLP service.
const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// How many bytes come before a message of gRPC: they say whether it is compressed, and its length.
const HEAD: usize = 5;
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// A collector to send to.
pub(super) struct Transport {
    channel: Channel,
    protocol: Protocol,
    compression: Compression,
    headers: HeaderMap,
    timeout: Duration,
}

/// Why spans were not taken.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may work later.
    Retry {
        why: String,
        /// When the collector wants to be asked again.
        after: Option<Duration>,
    },
    /// It won't work with these spans.
    Refused { why: String },
}

// === impl Transport ===

impl Transport {
    pub(super) fn new(settings: ExporterSettings) -> Self {
        let ExporterSettings { endpoint, protocol, mut headers, compression, tls, timeout, batch: _ } = settings;
        let grpc = protocol == Protocol::Grpc;
        let mut uri = endpoint;
        if grpc {
            let mut parts = uri.clone().into_parts();
            parts.path_and_query = Some(PathAndQuery::from_static(GRPC_PATH));
            uri = Uri::from_parts(parts).unwrap_or(uri);
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        let (kind, encoding, accepted) = if grpc {
            ("application/grpc", GRPC_ENCODING, GRPC_ACCEPT_ENCODING)
        } else {
            ("application/x-protobuf", header::CONTENT_ENCODING, header::ACCEPT_ENCODING)
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(accepted, HeaderValue::from_static("identity"));
        if compression == Compression::Gzip {
            headers.insert(encoding, HeaderValue::from_static("gzip"));
        }
        headers
            .entry(header::USER_AGENT)
            .or_insert(HeaderValue::from_static(concat!("seaworthy/", env!("CARGO_PKG_VERSION"))));
        let channel = Channel::new(Connector::new(protocol, timeout, tls), uri, protocol);
        Self { channel, protocol, compression, headers, timeout }
    }

    /// Whether it can be connected to, as far as that is known without trying. Reads files.
    pub(super) fn check(&self) -> Result<(), String> {
        self.channel.check()
    }

    /// Makes the body of a request of an `ExportTraceServiceRequest`.
    pub(super) fn finish(&self, batch: &mut Batch) {
        if self.compression == Compression::Gzip {
            batch.replace(gzip(&batch.pieces));
        }
        if self.protocol == Protocol::Grpc {
            let [a, b, c, d] = u32::try_from(batch.len).unwrap_or(u32::MAX).to_be_bytes();
            batch.prepend(vec![u8::from(self.compression == Compression::Gzip), a, b, c, d]);
        }
    }

    /// Sends a message, in this time at most, and gives how many spans the collector rejected.
    pub(super) async fn send(&mut self, message: Message, within: Duration) -> Result<u64, Failure> {
        let exchange = async {
            let response = self.channel.send(request(&self.headers, message)).await;
            let (parts, body) = response.map_err(retry)?.into_parts();
            let answer = Limited::new(body, ANSWER_LIMIT).collect().await.map_err(|error| {
                match error.downcast_ref::<LengthLimitError>() {
                    Some(_) => refused("its answer is too long to be one of OTLP"),
                    None => retry(chain(error.as_ref())),
                }
            })?;
            let trailers = answer.trailers().cloned().unwrap_or_default();
            let response = Response::from_parts(parts, answer.to_bytes());
            match self.protocol {
                Protocol::HttpProtobuf => outcome_of_http(&response),
                Protocol::Grpc => outcome_of_grpc(&response, &trailers),
            }
        };
        let within = within.min(self.timeout);
        tokio::time::timeout(within, exchange).await.unwrap_or_else(|_| {
            // It may lead nowhere.
            self.channel.close();
            Err(retry(format!("no answer within {within:?}")))
        })
    }
}

fn request(headers: &HeaderMap, message: Message) -> Request<Message> {
    let mut request = Request::new(message);
    *request.method_mut() = http::Method::POST;
    *request.headers_mut() = headers.clone();
    request
}

/// The compressed bytes: at the least effort, which makes spans seven times smaller for 2 µs each.
fn gzip(pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let written = pieces.iter().try_for_each(|piece| encoder.write_all(piece));
    written.and_then(|()| encoder.finish()).expect("a `Vec` takes all that is written")
}

/// The statuses that OTLP says to try again, and what proxies answer while the collector is away.
fn outcome_of_http(response: &Response<Bytes>) -> Result<u64, Failure> {
    let status = response.status();
    let answered = || format!("it answered {status}");
    match status {
        StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {}
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            return Err(Failure::Retry { why: answered(), after: retry_after(response.headers()) });
        }
        _ => return Err(refused(answered())),
    }
    // What is in another form was taken all the same.
    let is = |name, text: &str| {
        response.headers().get(name).is_some_and(|value| value.as_bytes().starts_with(text.as_bytes()))
    };
    let is_encoded =
        response.headers().contains_key(header::CONTENT_ENCODING) && !is(header::CONTENT_ENCODING, "identity");
    if is_encoded || is(header::CONTENT_TYPE, "application/json") {
        return Ok(0);
    }
    rejected_spans(response.body())
}

fn outcome_of_grpc(response: &Response<Bytes>, trailers: &HeaderMap) -> Result<u64, Failure> {
    if response.status() != StatusCode::OK {
        return Err(retry(format!("it answered {}", response.status())));
    }
    // An answer that is an error may be its headers alone.
    let field = |name| trailers.get(name).or_else(|| response.headers().get(name));
    let code = field("grpc-status").and_then(|code| code.to_str().ok()?.parse().ok());
    let message = field("grpc-message").and_then(|text| text.to_str().ok());
    let answered = |code: u32| format!("it answered with gRPC status {code}: {}", message.unwrap_or("no message"));
    match code {
        // One that is compressed, which was not asked for, was taken all the same.
        Some(0) if response.body().first() == Some(&1) => Ok(0),
        Some(0) => rejected_spans(response.body().get(HEAD..).unwrap_or_default()),
        // Those that OTLP says to try again.
        Some(code @ (1 | 4 | 8 | 10 | 11 | 14 | 15)) => Err(retry(answered(code))),
        Some(code) => Err(refused(answered(code))),
        None => Err(refused("its answer is not one of gRPC")),
    }
}

/// `partial_success.rejected_spans` of an `ExportTraceServiceResponse`.
fn rejected_spans(body: &[u8]) -> Result<u64, Failure> {
    let mut rejected = 0;
    let mut answer = fields(body);
    for field in answer.by_ref() {
        if let (1, Raw::Bytes(partial)) = field {
            let counts = fields(partial).filter_map(|field| match field {
                (1, Raw::Varint(count)) => u64::try_from(count.cast_signed()).ok(),
                _ => None,
            });
            rejected = counts.last().unwrap_or(0);
        }
    }
    if answer.rest.is_empty() { Ok(rejected) } else { Err(refused("its answer is not one of OTLP")) }
}

/// In seconds; the other form, a date, is not worth its parsing.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    Some(Duration::from_secs(seconds.parse().ok()?))
}

fn retry(why: String) -> Failure {
    Failure::Retry { why, after: None }
}

fn refused(why: impl Into<String>) -> Failure {
    Failure::Refused { why: why.into() }
}

/// An error with what caused it: hyper's own text says only `client error (Connect)`.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
