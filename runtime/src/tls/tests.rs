use std::{env, fs, process, process::Command};

use rcgen::{CertificateParams, Issuer, KeyPair};

use super::*;

/// A file that is gone with it.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, content: &str) -> Self {
        let path = env::temp_dir().join(format!("seaworthy-tls-{}-{name}", process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::default();
    (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
}

fn said(result: Result<ClientConfig, TlsError>) -> String {
    let error = result.unwrap_err();
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[test]
fn a_file_may_hold_several_certificates_and_other_text() {
    let text = format!("# ours\n{}\n# theirs\n{}", authority().0, authority().0);
    let file = Temporary::new("several", &text);
    assert_eq!(roots_in(&file.0).unwrap().len(), 2);
    let config = client_config(Some(&file.0)).unwrap();
    assert!(config.alpn_protocols.is_empty());
}

#[test]
fn a_file_that_is_of_no_use_is_named_with_what_is_wrong() {
    let gone = PathBuf::from("/no/such/ca.pem");
    assert_eq!(
        said(client_config(Some(&gone))),
        "/no/such/ca.pem can't be read: No such file or directory (os error 2)"
    );
    let endless = Path::new("/dev/zero");
    assert_eq!(said(client_config(Some(endless))), "/dev/zero holds no certificate in PEM");
    let key = KeyPair::generate().unwrap().serialize_pem();
    for (name, content) in [("empty", ""), ("garbage", "not a certificate"), ("key", &key)] {
        let file = Temporary::new(name, content);
        let expected = format!("{} holds no certificate in PEM", file.0.display());
        assert_eq!(said(client_config(Some(&file.0))), expected);
    }
    let der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = &authority().0[..200];
    for (name, content) in [("der", der), ("cut", cut)] {
        let file = Temporary::new(name, content);
        let expected = format!("{} holds a certificate that is broken: ", file.0.display());
        let said = said(client_config(Some(&file.0)));
        assert!(said.starts_with(&expected), "{said}");
    }
}

#[test]
fn an_identity_is_a_certificate_and_its_key() {
    let (ca, issuer) = authority();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().signed_by(&key, &issuer).unwrap().pem();
    let ca = Temporary::new("identity-ca", &ca);
    let certificate = Temporary::new("identity-certificate", &certificate);
    let [right, wrong] = [&key, &KeyPair::generate().unwrap()].map(KeyPair::serialize_pem);
    for (name, content, expected) in [
        ("right", right.as_str(), None),
        ("wrong", &wrong, Some("keys may not be consistent")),
        ("none", "", Some("holds no private key in PEM")),
        (
            "broken",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            Some("a private key that is broken"),
        ),
    ] {
        let key = Temporary::new(&format!("identity-{name}"), content);
        let identity = Identity { certificate: certificate.0.clone(), key: key.0.clone() };
        let result = client_config_as(&identity, Some(&ca.0));
        match expected {
            None => assert!(result.unwrap().client_auth_cert_resolver.has_certs()),
            Some(expected) => {
                let said = said(result);
                assert!(said.contains(expected), "{said}");
            }
        }
    }
}

/// The system's certificates are found by variables of the process, so another process looks for them.
#[test]
fn the_system_may_trust_nobody() {
    const WITHIN: &str = "SEAWORTHY_TEST_OF_ROOTS";
    let name = "tls::tests::the_system_may_trust_nobody";
    if env::var_os(WITHIN).is_some() {
        match client_config(None) {
            Ok(_) => println!("there are some"),
            Err(error) => println!("{error}"),
        }
        return;
    }
    let some = Temporary::new("some", &authority().0);
    let garbage = Temporary::new("none", "garbage");
    let gone = Path::new("/no/such/roots.pem");
    for (path, expected) in [
        (&*some.0, "there are some"),
        (&*garbage.0, "this system trusts no certificate (no file of them is there): install its roots"),
        (gone, "No such file or directory (os error 2) at '/no/such/roots.pem')"),
    ] {
        let output = Command::new(env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env_remove("SSL_CERT_DIR")
            .env("SSL_CERT_FILE", path)
            .env(WITHIN, "1")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(expected), "{path:?}: {said}");
    }
}
