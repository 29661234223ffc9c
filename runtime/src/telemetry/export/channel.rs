//! The one connection to a collector: made when there is something to send, kept until it breaks.
//!
//! A client with a pool would be most of what the exporter is compiled to.

use std::{error::Error, pin::Pin, time::Duration};

use http::{HeaderValue, Request, Response, Uri, header::HOST, uri::PathAndQuery};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
    rt::Executor,
};
use hyper_util::rt::TokioTimer;
use tokio::time::Instant;

use super::{connector::Connector, message::Message, transport::chain};
use crate::telemetry::settings::Protocol;

/// A connection that was not used for this long is not trusted: what lies between may have forgotten it.
const IDLE: Duration = Duration::from_secs(90);

/// Connects to a collector, and sends requests to it one after the other.
pub(super) struct Channel {
    connector: Connector,
    uri: Uri,
    protocol: Protocol,
    kept: Option<Kept>,
}

struct Kept {
    sender: Sender,
    last_used: Instant,
}

enum Sender {
    Http1(http1::SendRequest<Message>),
    Http2(http2::SendRequest<Message>),
}

/// Runs what drives a connection on the exporter's thread.
#[derive(Clone)]
struct Boxed;

/// A request that was not answered.
struct Unanswered {
    why: String,
    /// The request, where none of it was sent.
    again: Option<Request<Message>>,
}

// === impl Channel ===

impl Channel {
    pub(super) fn new(connector: Connector, uri: Uri, protocol: Protocol) -> Self {
        Self { connector, uri, protocol, kept: None }
    }

    /// Whether it can be connected to, as far as that is known without trying. Reads files.
    pub(super) fn check(&self) -> Result<(), String> {
        self.connector.check(&self.uri)
    }

    /// Closes the connection: the next request is sent on another.
    pub(super) fn close(&mut self) {
        self.kept = None;
    }

    /// Sends a request to the collector. Where that is dropped early, [`close`](Self::close) belongs after it.
    pub(super) async fn send(&mut self, request: Request<Message>) -> Result<Response<Incoming>, String> {
        let mut request = self.addressed(request);
        if let Some(Kept { mut sender, last_used }) = self.kept.take()
            && last_used.elapsed() < IDLE
            && sender.is_ready().await
        {
            match sender.send(request).await {
                Ok(response) => return Ok(self.keep(sender, response)),
                // The collector closed the connection meanwhile.
                Err(Unanswered { again: Some(again), .. }) => request = again,
                Err(Unanswered { why, again: None }) => return Err(why),
            }
        }
        let mut sender = self.connect().await.map_err(|error| chain(error.as_ref()))?;
        match sender.send(request).await {
            Ok(response) => Ok(self.keep(sender, response)),
            Err(Unanswered { why, .. }) => Err(why),
        }
    }

    fn keep(&mut self, sender: Sender, response: Response<Incoming>) -> Response<Incoming> {
        self.kept = Some(Kept { sender, last_used: Instant::now() });
        response
    }

    fn addressed(&self, mut request: Request<Message>) -> Request<Message> {
        *request.uri_mut() = self.uri.clone();
        if self.protocol == Protocol::HttpProtobuf {
            let path = self.uri.path_and_query().cloned();
            *request.uri_mut() = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
            // Without who calls, which is for the endpoint's eyes only in a header of its own.
            let host = self.uri.authority().map(|authority| authority.as_str().rsplit('@').next().unwrap_or_default());
            if let Some(Ok(host)) = host.map(HeaderValue::from_str) {
                request.headers_mut().entry(HOST).or_insert(host);
            }
        }
        request
    }

    async fn connect(&self) -> Result<Sender, Box<dyn Error + Send + Sync>> {
        let stream = self.connector.connect(&self.uri).await?;
        // What ends a connection is told to the request on it.
        match self.protocol {
            Protocol::HttpProtobuf => {
                let (mut sender, connection) = http1::handshake(stream).await?;
                Boxed.execute(async { _ = connection.await });
                sender.ready().await?;
                Ok(Sender::Http1(sender))
            }
            Protocol::Grpc => {
                let (mut sender, connection) =
                    http2::Builder::new(Boxed).timer(TokioTimer::new()).handshake(stream).await?;
                Boxed.execute(async { _ = connection.await });
                sender.ready().await?;
                Ok(Sender::Http2(sender))
            }
        }
    }
}

// === impl Sender ===

impl Sender {
    async fn is_ready(&mut self) -> bool {
        match self {
            Self::Http1(sender) => sender.ready().await.is_ok(),
            Self::Http2(sender) => sender.ready().await.is_ok(),
        }
    }

    async fn send(&mut self, request: Request<Message>) -> Result<Response<Incoming>, Unanswered> {
        let sent = match self {
            Self::Http1(sender) => sender.try_send_request(request).await,
            Self::Http2(sender) => sender.try_send_request(request).await,
        };
        sent.map_err(|mut error| {
            let again = error.take_message();
            Unanswered { why: chain(&error.into_error()), again }
        })
    }
}

// === impl Boxed ===

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Boxed {
    fn execute(&self, driver: F) {
        // As one type, so that tasks are compiled once.
        let driver: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(driver);
        tokio::spawn(driver);
    }
}
