//! Connections to a collector over TLS.
//!
//! Files that variables name are read for each connection, since there are few and their certificates are renewed: where
//! one is replaced, or comes late, the next connection uses it. What the system trusts is read once.

use std::{
    error::Error,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use http::{Uri, uri::Scheme};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::Service;

use crate::{
    telemetry::settings::{NamedFile, Protocol, TlsSettings},
    tls::{self, Identity, TlsError},
};

/// Connects over TLS where the endpoint is `https://`.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    tls: Arc<Tls>,
}

struct Tls {
    settings: TlsSettings,
    /// The one protocol that is spoken.
    alpn: &'static [u8],
    /// What was read last, where it is not to be read again.
    config: OnceLock<Arc<ClientConfig>>,
}

type BoxError = Box<dyn Error + Send + Sync>;

// === impl Connector ===

impl Connector {
    pub(super) fn new(mut tcp: HttpConnector, protocol: Protocol, settings: TlsSettings) -> Self {
        tcp.enforce_http(false);
        let alpn: &[u8] = match protocol {
            Protocol::HttpProtobuf => b"http/1.1",
            Protocol::Grpc => b"h2",
        };
        Self { tcp, tls: Arc::new(Tls { settings, alpn, config: OnceLock::new() }) }
    }

    /// Whether the files that this endpoint needs can be used now.
    pub(super) fn check(&self, uri: &Uri) -> Result<(), String> {
        if uri.scheme() == Some(&Scheme::HTTPS) { self.tls.config().map(drop) } else { Ok(()) }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if uri.scheme() != Some(&Scheme::HTTPS) {
            let tcp = self.tcp.call(uri);
            return Box::pin(async { Ok(MaybeHttpsStream::Http(tcp.await?)) });
        }
        // Blocks, on the exporter's own thread.
        match self.tls.config() {
            Ok(config) => HttpsConnector::from((self.tcp.clone(), config)).call(uri),
            Err(why) => Box::pin(async { Err(why.into()) }),
        }
    }
}

// === impl Tls ===

impl Tls {
    fn config(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let TlsSettings { certificate, identity } = &self.settings;
        let trusted = certificate.as_ref().map(|file| &*file.path);
        let config = match identity {
            Some((certificate, key)) => {
                let identity = Identity { certificate: certificate.path.clone(), key: key.path.clone() };
                tls::client_config_as(&identity, trusted)
            }
            None => tls::client_config(trusted),
        };
        let mut config = config.map_err(|error| self.explain(&error))?;
        config.alpn_protocols = vec![self.alpn.to_vec()];
        let config = Arc::new(config);
        if certificate.is_none() && identity.is_none() {
            _ = self.config.set(Arc::clone(&config));
        }
        Ok(config)
    }

    /// The error with the variable that has to do with it.
    fn explain(&self, error: &TlsError) -> String {
        let TlsSettings { certificate, identity } = &self.settings;
        let files = certificate.iter().chain(identity.iter().flat_map(|(certificate, key)| [certificate, key]));
        let text = super::transport::chain(error);
        if matches!(error, TlsError::NoRoots { .. }) {
            return format!("{text}, or one of the collector's in `OTEL_EXPORTER_OTLP_CERTIFICATE`");
        }
        match files.into_iter().find(|file| Some(&*file.path) == error.path()) {
            Some(NamedFile { variable, .. }) => format!("{variable}: {text}"),
            None => text,
        }
    }
}
