use std::{env, fs, io, path::PathBuf, process};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    server::{Accept, Received, Server},
    *,
};

/// Files in a folder that is gone with it.
struct Folder(PathBuf);

/// Who signs certificates.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

#[derive(Clone)]
struct Tls(TlsAcceptor);

// === impl Folder ===

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("seaworthy-export-{}-{name}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, content: &str) -> String {
        fs::write(self.0.join(name), content).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

// === impl Authority ===

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), issuer: Issuer::new(params, key) }
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        (CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A server of this name and protocol, which trusts only clients that this authority signed, if there is one.
    fn server(&self, name: &str, alpn: &[&str], clients: Option<&Self>) -> Server {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.certificate.der().clone()).unwrap();
                let provider = Arc::new(ring::default_provider());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let (certificate, key) = self.sign(name);
        let chain: Vec<CertificateDer<'static>> = vec![certificate.into()];
        let mut config = builder.with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into())).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Server::behind(Tls(TlsAcceptor::from(Arc::new(config))), Received::ok)
    }
}

// === impl Tls ===

impl Accept for Tls {
    type Stream = TlsStream<tokio::net::TcpStream>;

    async fn accept(self, stream: tokio::net::TcpStream) -> io::Result<Self::Stream> {
        self.0.accept(stream).await
    }
}

const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const BOTH: &[&str] = &["h2", "http/1.1"];

fn attempt(endpoint: &str, variables: &[(&str, &str)]) -> Result<(), String> {
    let mut transport = Transport::new(settings(endpoint, variables));
    let message = message(&transport, &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match runtime.block_on(transport.send(message, LONG)) {
        Ok(_) => Ok(()),
        Err(Failure::Retry { why, .. }) => Err(why),
        Err(Failure::Refused { why }) => panic!("refused: {why}"),
    }
}

#[test]
fn spans_arrive_over_tls_with_a_certificate_of_ones_own() {
    let folder = Folder::new("own");
    let authority = Authority::new();
    let ca = folder.write("ca.pem", &authority.certificate.pem());
    for protocol in PROTOCOLS {
        let alpn = if protocol == "grpc" { "h2" } else { "http/1.1" };
        for (name, host) in [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost")] {
            // Alone, so that it is an error to ask for another.
            let server = authority.server(name, &[alpn], None);
            let port = server.address.rsplit_once(':').unwrap().1;
            let variables = [
                (CERTIFICATE, &*ca),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ];
            let (exporter, queue) = exporter(&format!("https://{host}:{port}"), &variables);
            make_spans(&queue, 3);
            assert!(exporter.flush(LONG));
            let (request, compressed) = server.requests.try_recv().unwrap().decoded();
            assert_eq!((count(&request), compressed), (3, true), "{protocol}");
        }
    }
}

#[test]
fn a_collector_that_is_not_trusted_gets_nothing() {
    let folder = Folder::new("distrust");
    let authority = Authority::new();
    let ours = folder.write("ours.pem", &authority.certificate.pem());
    let theirs = folder.write("theirs.pem", &Authority::new().certificate.pem());
    for protocol in PROTOCOLS {
        for (name, ca, expected) in [
            ("127.0.0.1", &theirs, "invalid peer certificate: BadSignature"),
            ("elsewhere", &ours, "invalid peer certificate: certificate not valid for name \"127.0.0.1\""),
        ] {
            let server = authority.server(name, BOTH, None);
            let variables = [(CERTIFICATE, &**ca), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
            let why = attempt(&format!("https://{}", server.address), &variables).unwrap_err();
            assert!(why.contains(expected), "{protocol}: {why}");
            assert!(server.requests.try_recv().is_err());
        }
    }
}

#[test]
fn a_collector_without_tls_is_an_error_that_says_so() {
    let folder = Folder::new("plain");
    let ca = folder.write("ca.pem", &Authority::new().certificate.pem());
    let server = Server::start(Received::ok);
    for protocol in PROTOCOLS {
        let variables = [(CERTIFICATE, &*ca), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
        let why = attempt(&format!("https://{}", server.address), &variables).unwrap_err();
        assert!(why.contains("received corrupt message"), "{protocol}: {why}");
    }
}

#[test]
fn a_handshake_that_hangs_ends_in_time() {
    let folder = Folder::new("hangs");
    let ca = folder.write("ca.pem", &Authority::new().certificate.pem());
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    for protocol in PROTOCOLS {
        let variables =
            [(CERTIFICATE, &*ca), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol), ("OTEL_EXPORTER_OTLP_TIMEOUT", "100")];
        let why = attempt(&format!("https://{}", hanging.local_addr().unwrap()), &variables).unwrap_err();
        assert_eq!(why, "no answer within 100ms", "{protocol}");
    }
}

#[test]
fn a_collector_may_ask_who_it_is() {
    let folder = Folder::new("identity");
    let (servers, clients) = (Authority::new(), Authority::new());
    let ca = folder.write("ca.pem", &servers.certificate.pem());
    let (certificate, key) = clients.sign("greeter");
    let certificate = folder.write("cert.pem", &certificate.pem());
    let key = folder.write("key.pem", &key.serialize_pem());
    for protocol in PROTOCOLS {
        let server = servers.server("127.0.0.1", BOTH, Some(&clients));
        let endpoint = format!("https://{}", server.address);
        let anonymous = [(CERTIFICATE, &*ca), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
        assert!(attempt(&endpoint, &anonymous).is_err(), "{protocol}");
        assert!(server.requests.try_recv().is_err());
        let identity =
            [("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &*certificate), ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &*key)];
        assert_eq!(attempt(&endpoint, &[&anonymous[..], &identity].concat()), Ok(()), "{protocol}");
    }
}

#[test]
fn a_file_that_is_not_there_yet_is_one_warning_and_is_read_when_it_is() {
    let folder = Folder::new("late");
    let authority = Authority::new();
    let server = authority.server("127.0.0.1", BOTH, None);
    let variables =
        [("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", &*folder.path("ca.pem")), ("OTEL_BSP_SCHEDULE_DELAY", "0")];
    let (exporter, queue, warning) = warned_exporter(&format!("https://{}", server.address), &variables);
    let expected = format!(
        "no span reaches the collector until this is mended: OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: {} can't be read: \
         No such file or directory (os error 2)",
        folder.path("ca.pem")
    );
    assert_eq!(warning, Some(expected));
    make_spans(&queue, 1);
    folder.write("ca.pem", &authority.certificate.pem());
    assert_eq!(count(&server.requests.recv_timeout(LONG).unwrap().decoded().0), 1);
    drop(exporter);
}

#[test]
fn a_certificate_that_was_renewed_is_used_by_the_next_connection() {
    let folder = Folder::new("renewed");
    let [before, after] = [Authority::new(), Authority::new()];
    let server = after.server("127.0.0.1", BOTH, None);
    let ca = folder.write("ca.pem", &before.certificate.pem());
    let mut transport = Transport::new(settings(&format!("https://{}", server.address), &[(CERTIFICATE, &*ca)]));
    let message = message(&transport, &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(transport.send(message.clone(), LONG)).is_err());
    folder.write("ca.pem", &after.certificate.pem());
    assert!(runtime.block_on(transport.send(message, LONG)).is_ok());
}
