use std::{
    env, fs,
    io::{Read, Write},
    net::TcpListener,
    path::PathBuf,
    process,
    sync::Arc,
    thread::{self, JoinHandle},
};

use rcgen::CertifiedKey;
use rustls::{
    ServerConfig, ServerConnection, Stream,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
};

use super::*;

/// A server for one connection that offers a protocol; gives its URL, the file of its certificate, and what it reads first.
fn server(name: &str, protocol: &'static str, answer: &'static str) -> (String, PathBuf, JoinHandle<String>) {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["127.0.0.1".into()]).unwrap();
    let file = env::temp_dir().join(format!("seaworthy-http-client-{}-{name}.pem", process::id()));
    fs::write(&file, cert.pem()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(signing_key.serialize_pem().as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![protocol.into()];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut tls = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = Stream::new(&mut tls, &mut socket);
        let mut first = vec![0; 14];
        if stream.read_exact(&mut first).is_ok() {
            _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            _ = stream.flush();
        }
        String::from_utf8(first).unwrap()
    });
    (url, file, thread)
}

#[test]
fn a_server_over_tls_is_trusted_and_decides_the_protocol() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    for (protocol, answer, first, error) in
        [("http/1.1", ok, "GET / HTTP/1.1", None), ("h2", "", "PRI * HTTP/2.0", Some("request"))]
    {
        let (url, file, server) = server(&protocol.replace('/', "-"), protocol, answer);
        let http = HttpClient::build(tls_config(Some(&file)).unwrap(), ClientBuilder::no_proxy).unwrap();
        fs::remove_file(file).unwrap();
        let (_, spans) = in_trace(true, http.get(&url).send());
        assert_eq!(server.join().unwrap(), first);
        assert_eq!(error_type(&spans), error);
        assert_eq!(of_call(&spans).attributes["url.full"], url);
    }
}

#[test]
fn a_server_over_tls_that_nobody_vouches_for_is_not_called() {
    let (url, file, server) = server("stranger", "http/1.1", "");
    fs::remove_file(file).unwrap();
    let mut config = trusting_nobody().unwrap();
    config.alpn_protocols = vec!["http/1.1".into()];
    let http = HttpClient::build(config, ClientBuilder::no_proxy).unwrap();
    let (failed, spans) = in_trace(true, http.get(&url).send());
    assert_eq!(error_type(&spans), Some("connect"));
    assert!(everything(&failed.unwrap_err()).contains("UnknownIssuer"));
    assert_eq!(server.join().unwrap(), "\0".repeat(14), "nothing was sent");
}
