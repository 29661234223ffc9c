//! A real OpenTelemetry collector, and what stands before one.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use seaworthy::testing::{Process, ProcessBuilder};
use tokio::{io::copy_bidirectional, runtime::Runtime};
use tokio_rustls::TlsAcceptor;

use super::tools;

/// A real OpenTelemetry collector, which prints what it receives.
pub(crate) struct Collector {
    process: Process,
    ports: Ports,
}

/// Where a collector listens.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    http: u16,
    grpc: u16,
}

/// What ends TLS before a collector, which can't: with a certificate that an authority of its own signed.
pub(crate) struct TlsProxy {
    address: SocketAddr,
    /// The file of the authority's certificate.
    pub(crate) authority: PathBuf,
    _runtime: Runtime,
}

// === impl Ports ===

impl Ports {
    /// Ports that were free a moment ago.
    pub(crate) fn free() -> Self {
        let [http, grpc] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let port = |listener: TcpListener| listener.local_addr().unwrap().port();
        Self { http: port(http), grpc: port(grpc) }
    }

    pub(crate) fn endpoint(self, protocol: &str) -> String {
        format!("http://127.0.0.1:{}", self.port(protocol))
    }

    fn port(self, protocol: &str) -> u16 {
        if protocol == "grpc" { self.grpc } else { self.http }
    }
}

// === impl Collector ===

impl Collector {
    pub(crate) fn start() -> Self {
        Self::start_on(Ports::free())
    }

    pub(crate) fn start_on(ports: Ports) -> Self {
        let mut agent: ProcessBuilder = Process::builder(tools::rotel());
        let address = |port: u16| format!("127.0.0.1:{port}");
        let scratch = std::env::temp_dir().join(format!("rotel-{}", ports.http));
        for argument in ["start", "--exporter", "blackhole", "--debug-log", "traces"] {
            agent = agent.arg(argument);
        }
        let process = agent
            .arg("--debug-log-verbosity")
            .arg("detailed")
            .arg("--otlp-grpc-endpoint")
            .arg(address(ports.grpc))
            .arg("--otlp-http-endpoint")
            .arg(address(ports.http))
            .arg("--pid-file")
            .arg(scratch.with_extension("pid"))
            .arg("--log-file")
            .arg(scratch.with_extension("log"))
            .spawn();
        process.wait_until("the collector listens", || {
            [ports.http, ports.grpc].iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
        });
        Self { process, ports }
    }

    pub(crate) fn endpoint(&self, protocol: &str) -> String {
        self.ports.endpoint(protocol)
    }

    /// Waits until it received something that contains this text; gives all it received.
    pub(crate) fn received_until(&self, text: &str) -> String {
        let mut received = String::new();
        self.process.wait_until("the collector received it", || {
            received = self.process.stdout() + &self.process.stderr();
            received.contains(text)
        });
        received
    }
}

// === impl TlsProxy ===

impl TlsProxy {
    /// Stands before what a collector listens to for this protocol, and speaks no other.
    pub(crate) fn start(collector: &Collector, protocol: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);

        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let alpn = if protocol == "grpc" { "h2" } else { "http/1.1" };
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let to = collector.ports.port(protocol);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut collector = tokio::net::TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    _ = copy_bidirectional(&mut stream, &mut collector).await;
                });
            }
        });
        let file = std::env::temp_dir().join(format!("authority-{}.pem", address.port()));
        std::fs::write(&file, authority.pem()).unwrap();
        Self { address, authority: file, _runtime: runtime }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("https://{}", self.address)
    }
}

impl Drop for TlsProxy {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.authority);
    }
}
