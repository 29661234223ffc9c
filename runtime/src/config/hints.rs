//! What to write instead: mistakes that people make again and again.

use super::{kind::Kind, table::Row, unknown};

/// A hint for a value that was not understood; it never quotes a secret.
pub(super) fn hint(row: &Row, text: &str) -> Option<String> {
    let name = &row.name;
    if text.trim() != text {
        return Some("remove the white space around the value".to_owned());
    }
    let quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if quoted('"') || quoted('\'') {
        return Some("remove the quotes, which are part of the value here".to_owned());
    }
    if text.starts_with("$(") || text.starts_with("${") {
        return Some("it is a reference that nothing replaced: check that what it names is defined".to_owned());
    }
    if row.shape.secret {
        return None;
    }
    match &row.shape.kind {
        Kind::Address => address(name, text),
        Kind::Choice(choices) => {
            let choice = unknown::nearest(text, choices.iter().copied())?;
            Some(format!("did you mean `{name}={choice}`?"))
        }
        Kind::Number(_) if text.contains(|c: char| c.is_ascii_digit()) => {
            let digits = text.replace([',', '_', '\'', ' '], "");
            let is_number = digits != text && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| format!("write digits alone: `{name}={digits}`"))
        }
        Kind::Url if text.contains(' ') => Some("replace each space by `%20`".to_owned()),
        _ => None,
    }
}

fn address(name: &str, text: &str) -> Option<String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if port.parse::<u16>().is_ok() {
        return Some(format!("write `{name}=0.0.0.0:{port}`"));
    }
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Some("add the port".to_owned());
    }
    let (host, port) = text.rsplit_once(':')?;
    if port.parse::<u16>().is_err() {
        return Some("the port is a number from 0 to 65535".to_owned());
    }
    if host.contains("//") {
        return Some(format!("write no scheme: `{name}=0.0.0.0:{port}`"));
    }
    Some(format!("names are not looked up here, write an IP address: `{name}=0.0.0.0:{port}`"))
}
