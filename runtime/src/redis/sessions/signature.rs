//! Ids of sessions, and who made them.

use std::{fmt, sync::Arc};

use ring::hmac;

use super::super::keys;
use crate::{Error, Secret};

/// The shortest key, in bytes: as long as what it signs with.
const SHORTEST: usize = 32;
/// Makes what is signed unlike anything else that somebody signs with the same key.
const PURPOSE: &[u8] = b"seaworthy session\0";

/// What tells a session from all others. Nobody but its client knows the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id([u8; 16]);

/// Signs ids, and knows which it signed.
#[derive(Clone)]
pub(super) struct Signer {
    key: Arc<hmac::Key>,
    previous: Vec<Arc<hmac::Key>>,
}

// === impl Id ===

impl Id {
    pub(super) fn random() -> Self {
        Self(keys::random_bytes())
    }

    fn signed(&self) -> [u8; PURPOSE.len() + 16] {
        let mut signed = [0; PURPOSE.len() + 16];
        signed[..PURPOSE.len()].copy_from_slice(PURPOSE);
        signed[PURPOSE.len()..].copy_from_slice(&self.0);
        signed
    }
}

/// As it is in Redis: hex digits.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&keys::hex(&self.0))
    }
}

// === impl Signer ===

impl Signer {
    pub(super) fn new(key: &Secret<String>) -> Result<Self, Error> {
        Ok(Self { key: Arc::new(hmac_key(key)?), previous: Vec::new() })
    }

    pub(super) fn accept(&mut self, key: &Secret<String>) -> Result<(), Error> {
        self.previous.push(Arc::new(hmac_key(key)?));
        Ok(())
    }

    /// The value of a cookie: 32 hex digits of the id, 64 of the signature.
    pub(super) fn sign(&self, id: &Id) -> String {
        keys::hex(&id.0) + &keys::hex(hmac::sign(&self.key, &id.signed()).as_ref())
    }

    pub(super) fn verify(&self, value: &[u8]) -> Option<Id> {
        let (id, signature) = value.split_at_checked(32)?;
        let signature: [u8; 32] = keys::from_hex(signature)?;
        let id = Id(keys::from_hex(id)?);
        let mut keys = std::iter::once(&self.key).chain(&self.previous);
        keys.any(|key| hmac::verify(key, &id.signed(), &signature).is_ok()).then_some(id)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn hmac_key(key: &Secret<String>) -> Result<hmac::Key, Error> {
    let bytes = key.expose().as_bytes();
    if bytes.len() < SHORTEST {
        return Err(Error::config(format!(
            "the key that signs sessions has {} bytes: it needs {SHORTEST} or more, such as `openssl rand -hex 32` gives",
            bytes.len()
        )));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, bytes))
}
