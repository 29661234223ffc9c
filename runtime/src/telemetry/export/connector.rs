//! Connections to a collector, over TLS or without.

use std::{error::Error, time::Duration};

use http::{Uri, uri::Scheme};
use hyper_util::rt::TokioIo;

use super::dial::dial;
use crate::telemetry::settings::{Protocol, TlsSettings};

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Connects over TLS where the endpoint is `https://`.
pub(super) struct Connector {
    timeout: Duration,
    #[cfg(feature = "tls")]
    tls: super::tls::Tls,
}

#[cfg(not(feature = "tls"))]
type Stream = tokio::net::TcpStream;
#[cfg(feature = "tls")]
type Stream = std::pin::Pin<Box<dyn Duplex>>;

/// Either stream, so that HTTP over it is compiled once.
#[cfg(feature = "tls")]
pub(super) trait Duplex: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send {}

#[cfg(feature = "tls")]
impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send> Duplex for S {}

// === impl Connector ===

impl Connector {
    pub(super) fn new(protocol: Protocol, timeout: Duration, settings: TlsSettings) -> Self {
        #[cfg(not(feature = "tls"))]
        let _ = (protocol, settings);
        Self {
            timeout,
            #[cfg(feature = "tls")]
            tls: super::tls::Tls::new(protocol, settings),
        }
    }

    /// Whether the files that this endpoint needs can be used now.
    #[cfg_attr(
        not(feature = "tls"),
        expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "with TLS it does")
    )]
    pub(super) fn check(&self, uri: &Uri) -> Result<(), String> {
        #[cfg(feature = "tls")]
        if uri.scheme() == Some(&Scheme::HTTPS) {
            self.tls.config()?;
        }
        let _ = uri;
        Ok(())
    }

    pub(super) async fn connect(&self, uri: &Uri) -> Result<TokioIo<Stream>, BoxError> {
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        // Of IPv6, an address stands in brackets.
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        #[cfg(feature = "tls")]
        if is_tls {
            let config = self.tls.config()?;
            let stream = dial(host, port, self.timeout).await?;
            return Ok(TokioIo::new(Box::pin(super::tls::Tls::begin(config, host, stream).await?)));
        }
        let stream = dial(host, port, self.timeout).await?;
        #[cfg(feature = "tls")]
        let stream: Stream = Box::pin(stream);
        Ok(TokioIo::new(stream))
    }
}
