//! As much of cookies as is needed: the values of one, as a client sends them.

use http::{HeaderMap, header::COOKIE};

/// The values of the cookies with this name, in the order in which they came. There may be several: from other paths
/// and domains, or made up.
pub(super) fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let pairs = headers.get_all(COOKIE).iter().flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

/// Whether this can be the name of a cookie.
pub(super) fn is_name(name: &str) -> bool {
    let is_special = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_special(byte))
}
