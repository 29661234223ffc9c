//! How TLS is spoken to others: rustls with ring's cryptography.
//!
//! The provider is given to each configuration: one for the process could be installed by the user's own code too, and
//! the second of two panics. Whom to trust is in a file that a setting names, or else what the system trusts, as
//! `rustls-native-certs` finds it: it honours `SSL_CERT_FILE` and `SSL_CERT_DIR` and says what it could not read, while
//! `rustls-platform-verifier`, which on Linux reads the same files by the same crate, brings the bindings of each other
//! system, and gives its errors to `log`. An image `FROM scratch` has no such files: that is an error that says what
//! to do, before a server's certificate is blamed for it.

use std::{
    error::Error as StdError,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore,
    client::WantsClientCert,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};

/// More than any file of certificates has, and less than what a device gives.
const LARGEST_FILE: u64 = 8 * 1024 * 1024;

/// Who this process is to a server that asks: files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its certificate first, then those that lead to one which the server trusts.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Why TLS can't be spoken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("{} can't be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} holds no {what} in PEM", path.display())]
    Nothing { path: PathBuf, what: &'static str },
    #[error("{} holds a {what} that is broken", path.display())]
    Broken { path: PathBuf, what: &'static str, source: Box<dyn StdError + Send + Sync> },
    #[error(
        "this system trusts no certificate ({why}): install its roots, such as the package `ca-certificates`, or copy them \
         into the image and name the file in `SSL_CERT_FILE`"
    )]
    NoRoots { why: String },
    #[error(transparent)]
    Refused(rustls::Error),
}

// === impl TlsError ===

impl TlsError {
    /// The file that is at fault.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Unreadable { path, .. } | Self::Nothing { path, .. } | Self::Broken { path, .. } => Some(path),
            Self::NoRoots { .. } | Self::Refused(_) => None,
        }
    }
}

/// How to connect to servers whose certificates lead to one in this file, or to one that the system trusts. Without ALPN.
///
/// Reads files, and blocks for as long as that takes: some 150 certificates are on a usual system.
pub(crate) fn client_config(certificates: Option<&Path>) -> Result<ClientConfig, TlsError> {
    Ok(builder(certificates)?.with_no_client_auth())
}

/// As [`client_config`], with a certificate of our own for servers that ask for it.
pub(crate) fn client_config_as(identity: &Identity, certificates: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let Identity { certificate, key } = identity;
    let chain = certificates_in(certificate)?;
    let key_path = key;
    let key = PrivateKeyDer::from_pem_slice(&read(key_path)?).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::Nothing { path: key_path.clone(), what: "private key" },
        error => broken(key_path, "private key", error),
    })?;
    builder(certificates)?.with_client_auth_cert(chain, key).map_err(|error| match error {
        rustls::Error::General(_) => broken(key_path, "private key", error),
        error => TlsError::Refused(error),
    })
}

fn builder(certificates: Option<&Path>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TlsError> {
    let roots = match certificates {
        Some(path) => roots_in(path)?,
        None => roots_of_the_system()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Refused)?;
    Ok(builder.with_root_certificates(roots))
}

fn roots_in(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_in(path)? {
        roots.add(certificate).map_err(|error| broken(path, "certificate", error))?;
    }
    Ok(roots)
}

fn roots_of_the_system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some systems have a few that are not up to the standard.
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    if added > 0 {
        return Ok(roots);
    }
    let why = match found.errors.first() {
        Some(error) => error.to_string(),
        None if ignored > 0 => format!("{ignored} are there, and all are broken"),
        None => "no file of them is there".into(),
    };
    Err(TlsError::NoRoots { why })
}

/// One or more.
fn certificates_in(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let what = "certificate";
    let certificates = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| broken(path, what, error))?;
    if certificates.is_empty() {
        return Err(TlsError::Nothing { path: path.to_owned(), what });
    }
    Ok(certificates)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut content))
        .map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })?;
    Ok(content)
}

fn broken(path: &Path, what: &'static str, error: impl Into<Box<dyn StdError + Send + Sync>>) -> TlsError {
    TlsError::Broken { path: path.to_owned(), what, source: error.into() }
}

#[cfg(test)]
mod tests;
