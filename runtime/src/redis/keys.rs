//! What the keys of a service begin with, what names them, and what makes them unlike any other.

use std::{fmt::Write as _, sync::Arc};

use ring::rand::{SecureRandom, SystemRandom};

use crate::lifecycle::Owner;

/// What the keys begin with, unless the service chooses: its name, so that services may share one Redis.
pub(super) fn default_prefix() -> Arc<str> {
    Owner::current().map_or("seaworthy", |owner| owner.about.name).into()
}

/// Bytes that nobody can guess and that come once.
pub(super) fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("the system has random bytes, or TLS would have none either");
    bytes
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // A string takes what is written.
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of lower-case hex digits.
pub(super) fn from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// That a name can be part of a key, a metric's label and a header, as it is.
pub(super) fn assert_name(name: &str) {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    assert!(
        !name.is_empty() && name.bytes().all(is_name),
        "the name `{name}` has to be of letters, digits, `_`, `-` and `.`"
    );
}
