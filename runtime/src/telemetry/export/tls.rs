//! TLS to a collector.
//!
//! Files that variables name are read for each connection, since there are few and their certificates are renewed: where
//! one is replaced, or comes late, the next connection uses it. What the system trusts is read once.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::connector::BoxError;
use crate::{
    telemetry::settings::{NamedFile, Protocol, TlsSettings},
    tls::{self, Identity, TlsError},
};

/// What a collector is believed by, and believes.
pub(super) struct Tls {
    settings: TlsSettings,
    /// The one protocol that is spoken.
    alpn: &'static [u8],
    /// What was read last, where it is not to be read again.
    config: OnceLock<Arc<ClientConfig>>,
}

// === impl Tls ===

impl Tls {
    pub(super) fn new(protocol: Protocol, settings: TlsSettings) -> Self {
        let alpn: &[u8] = match protocol {
            Protocol::HttpProtobuf => b"http/1.1",
            Protocol::Grpc => b"h2",
        };
        Self { settings, alpn, config: OnceLock::new() }
    }

    /// Speaks TLS to this host.
    pub(super) async fn begin(
        config: Arc<ClientConfig>,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, BoxError> {
        let name = ServerName::try_from(host)?.to_owned();
        Ok(TlsConnector::from(config).connect(name, stream).await?)
    }

    /// Reads what connections need. Blocks, which the exporter's own thread may.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, String> {
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
