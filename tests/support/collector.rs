//! A real OpenTelemetry collector, what it received, and what stands before one.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use seaworthy::testing::{Process, Signal};
use tokio::{io::copy_bidirectional, runtime::Runtime};
use tokio_rustls::TlsAcceptor;

use super::{own_address, tools};

/// A collector that prints what it receives.
pub(crate) struct Collector {
    process: Process,
    addresses: Addresses,
}

/// Where a collector listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    http: SocketAddr,
    grpc: SocketAddr,
}

/// A span as the collector got it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Span {
    pub(crate) resource: BTreeMap<String, String>,
    pub(crate) scope: String,
    /// Its fields, by the collector's names for them: `Name`, `Kind`, `Parent ID`.
    fields: BTreeMap<String, String>,
    /// With their types, as in `Int(200)`.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Lines about anything else, such as events.
    pub(crate) others: Vec<String>,
}

/// What ends TLS before a collector, which can't: with a certificate that an authority of its own signed.
pub(crate) struct TlsProxy {
    address: SocketAddr,
    /// The file of the authority's certificate.
    pub(crate) authority: PathBuf,
    _runtime: Runtime,
}

// === impl Collector ===

impl Collector {
    pub(crate) fn start() -> Self {
        Self::start_at(Addresses::own())
    }

    pub(crate) fn start_at(addresses: Addresses) -> Self {
        let scratch = std::env::temp_dir().join(format!("rotel-{}", addresses.http.ip()));
        let mut agent = Process::builder(tools::rotel());
        for argument in
            ["start", "--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed"]
        {
            agent = agent.arg(argument);
        }
        let process = agent
            .arg("--otlp-grpc-endpoint")
            .arg(addresses.grpc.to_string())
            .arg("--otlp-http-endpoint")
            .arg(addresses.http.to_string())
            .arg("--pid-file")
            .arg(scratch.with_extension("pid"))
            .arg("--log-file")
            .arg(scratch.with_extension("log"))
            .spawn();
        process.wait_until("the collector listens", || {
            [addresses.http, addresses.grpc].iter().all(|address| TcpStream::connect(address).is_ok())
        });
        Self { process, addresses }
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses
    }

    pub(crate) fn endpoint(&self, protocol: &str) -> String {
        self.addresses.endpoint(protocol)
    }

    /// How many spans it got so far.
    pub(crate) fn count(&self) -> usize {
        self.said().lines().filter(|line| line.starts_with("Span #")).count()
    }

    /// Waits until it received something that contains this text; gives all it received.
    pub(crate) fn received_until(&self, text: &str) -> String {
        let mut received = String::new();
        self.process.wait_until("the collector received it", || {
            received = self.said();
            received.contains(text)
        });
        received
    }

    /// Waits until it has this many spans, ends it, and gives all it has.
    pub(crate) fn finish(self, at_least: usize) -> Vec<Span> {
        self.process.wait_until("the collector has the spans", || self.count() >= at_least);
        self.process.signal(Signal::Term);
        self.process.wait_exit(Duration::from_secs(20));
        parse(&self.said())
    }

    fn said(&self) -> String {
        self.process.stdout()
    }
}

// === impl Addresses ===

impl Addresses {
    /// Addresses that no other collector has.
    pub(crate) fn own() -> Self {
        Self { http: own_address(), grpc: own_address() }
    }

    pub(crate) fn endpoint(self, protocol: &str) -> String {
        format!("http://{}", self.of(protocol))
    }

    fn of(self, protocol: &str) -> SocketAddr {
        if protocol == "grpc" { self.grpc } else { self.http }
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
        let to = collector.addresses.of(protocol);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut collector = tokio::net::TcpStream::connect(to).await.unwrap();
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

// === impl Span ===

impl Span {
    pub(crate) fn name(&self) -> &str {
        self.field("Name")
    }

    /// `SERVER`, `INTERNAL` and so on.
    pub(crate) fn kind(&self) -> &str {
        self.field("Kind").trim_start_matches("SPAN_KIND_")
    }

    pub(crate) fn trace(&self) -> &str {
        self.field("Trace ID")
    }

    pub(crate) fn id(&self) -> &str {
        self.field("ID")
    }

    /// Empty where there is none.
    pub(crate) fn parent(&self) -> &str {
        self.field("Parent ID")
    }

    /// A field by the collector's name for it. Empty where there is none.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// The span with this name, of those that the test made: there is exactly one.
pub(crate) fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name() == name).collect();
    assert_eq!(found.len(), 1, "spans named {name:?}: {spans:#?}");
    found[0]
}

/// Reads what the collector prints: a resource, then its scopes, then their spans, each with lines of `name: value`.
fn parse(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let (mut resource, mut scope) = (BTreeMap::new(), String::new());
    // What the next lines are about.
    let (mut in_span, mut section) = (false, "");
    // What begins otherwise are lines of its own log.
    for line in text.lines().filter(|line| !line.starts_with('\x1b')) {
        let pair = line.trim_start().trim_start_matches("-> ").split_once(':');
        let pair = pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        if line.starts_with("ResourceSpans #") {
            (resource, in_span, section) = (BTreeMap::new(), false, "");
        } else if line.starts_with("ScopeSpans #") {
            (in_span, section) = (false, "");
        } else if let Some(name) = line.strip_prefix("InstrumentationScope ") {
            scope = name.trim().to_owned();
        } else if line.starts_with("Span #") {
            spans.push(Span { resource: resource.clone(), scope: scope.clone(), ..Span::default() });
            (in_span, section) = (true, "fields");
        } else if !line.starts_with(' ') && line.ends_with(':') {
            section = line.trim_end_matches(':');
        } else if let (false, "Resource attributes", Some((name, value))) = (in_span, section, &pair) {
            resource.insert(name.clone(), value.clone());
        } else if let (Some(span), true) = (spans.last_mut(), in_span) {
            match (section, pair) {
                ("fields", Some((name, value))) => _ = span.fields.insert(name, value),
                ("Attributes", Some((name, value))) => {
                    let before = span.attributes.insert(name, value);
                    assert_eq!(before, None, "an attribute is there once: {line}");
                }
                _ => span.others.push(line.to_owned()),
            }
        }
    }
    spans
}
