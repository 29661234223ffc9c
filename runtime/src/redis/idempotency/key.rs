//! The key of a request: what the client says, who the client is, and what it asks for.

use std::{convert::Infallible, ops::Deref, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, OptionalFromRequestParts, RawPathParams},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, StatusCode, header::AUTHORIZATION, request::Parts};
use ring::digest::{Context, SHA256};

use super::super::{cookie, keys};

/// The header.
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key, in bytes.
const LONGEST: usize = 255;

/// The key that a request came with: an extractor, for handlers behind an [`Idempotency`](super::Idempotency).
///
/// `Option<IdempotencyKey>` is `None` where no such layer is, or the method has no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    text: Arc<str>,
    scoped: Arc<str>,
}

/// There is no layer that read the key: answered with 500, as the routes are wrong.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the route has no layer `Idempotency`, or its method takes no key")]
pub struct NoIdempotencyKey;

/// What tells parts apart whatever is in them.
struct Digest(Context);

// === impl IdempotencyKey ===

impl IdempotencyKey {
    /// Reads the header. Says what is wrong with it.
    pub(super) fn read(headers: &HeaderMap, cookie: &str) -> Result<Self, &'static str> {
        let mut values = headers.get_all(HEADER).iter();
        let value = values.next().ok_or("the request has no header `Idempotency-Key`")?;
        if values.next().is_some() {
            return Err("the request has several headers `Idempotency-Key`");
        }
        let text = parse(value.as_bytes())
            .ok_or("`Idempotency-Key` has to be of 1 to 255 visible characters, in quotes or without")?;
        let mut digest = Digest::new();
        for credentials in headers.get_all(AUTHORIZATION) {
            digest.add("authorization", credentials.as_bytes());
        }
        for session in cookie::values(headers, cookie) {
            digest.add("session", session);
        }
        digest.add("key", text.as_bytes());
        Ok(Self { text: text.into(), scoped: digest.finish().into() })
    }

    /// The key as the client sent it, without quotes. Another caller may send the same.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key and its caller, as one: 64 hex digits, the same for each repeat and different for all else. For a column
    /// that is UNIQUE.
    #[must_use]
    pub fn scoped(&self) -> &str {
        &self.scoped
    }
}

/// The key as the client sent it.
impl Deref for IdempotencyKey {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = NoIdempotencyKey;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoIdempotencyKey> {
        parts.extensions.get().cloned().ok_or(NoIdempotencyKey)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}

impl IntoResponse for NoIdempotencyKey {
    fn into_response(self) -> Response {
        tracing::error!(target: "seaworthy::redis", "{self}");
        (StatusCode::INTERNAL_SERVER_ERROR, "internal server error").into_response()
    }
}

/// A string of RFC 9651 in quotes, or what is visible without.
fn parse(value: &[u8]) -> Option<String> {
    let text = match value.strip_prefix(b"\"") {
        None => value.to_vec(),
        Some(quoted) => {
            let mut text = Vec::new();
            let mut rest = quoted.strip_suffix(b"\"")?.iter();
            while let Some(byte) = rest.next() {
                match byte {
                    b'"' => return None,
                    b'\\' => text.push(*rest.next().filter(|byte| b"\"\\".contains(byte))?),
                    byte => text.push(*byte),
                }
            }
            text
        }
    };
    let is_key = (1..=LONGEST).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
    is_key.then(|| String::from_utf8(text).ok())?
}

/// What a request asks for: its method, path, query and body.
pub(super) async fn fingerprint(parts: &mut Parts, body: &[u8]) -> String {
    let mut digest = Digest::new();
    // In a nested router the path is only the rest of it: the whole is the route with what it captured.
    if let Some(route) = parts.extensions.get::<MatchedPath>() {
        digest.add("route", route.as_str().as_bytes());
    }
    if let Ok(captured) = RawPathParams::from_request_parts(parts, &()).await {
        captured.iter().for_each(|(_, value)| digest.add("captured", value.as_bytes()));
    }
    digest.add("method", parts.method.as_str().as_bytes());
    digest.add("path", parts.uri.path().as_bytes());
    digest.add("query", parts.uri.query().unwrap_or_default().as_bytes());
    digest.add("body", body);
    digest.finish()
}

// === impl Digest ===

impl Digest {
    fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    fn add(&mut self, name: &str, value: &[u8]) {
        self.0.update(format!("{name} {}\n", value.len()).as_bytes());
        self.0.update(value);
    }

    fn finish(self) -> String {
        keys::hex(self.0.finish().as_ref())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_is_a_string_in_quotes_or_without() {
        let longest = "k".repeat(255);
        for (value, expected) in [
            ("8e03978e-40d5", Some("8e03978e-40d5")),
            ("\"8e03978e-40d5\"", Some("8e03978e-40d5")),
            (r#""a\"b\\c""#, Some(r#"a"b\c"#)),
            (&longest, Some(&longest[..])),
            ("", None),
            ("\"\"", None),
            ("\"", None),
            ("\"a", None),
            ("\"a\\\"", None),
            (r#""a\b""#, None),
            (r#""a"b""#, None),
            ("\"a\"; b=c", None),
            ("a b", None),
            ("\"a b\"", None),
            ("a\tb", None),
            ("\u{e9}", None),
            (&format!("{longest}k"), None),
        ] {
            assert_eq!(parse(value.as_bytes()).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn keys_of_different_callers_are_different() {
        let scoped = |headers: &[(HeaderName, &'static str)]| {
            let mut all = HeaderMap::new();
            all.insert(HEADER, HeaderValue::from_static("1"));
            for (name, value) in headers {
                all.append(name, HeaderValue::from_static(value));
            }
            IdempotencyKey::read(&all, "session").unwrap().scoped().to_owned()
        };
        let callers = [
            scoped(&[]),
            scoped(&[(AUTHORIZATION, "a")]),
            scoped(&[(AUTHORIZATION, "b")]),
            scoped(&[(http::header::COOKIE, "session=a")]),
            scoped(&[(http::header::COOKIE, "session=b; other=c")]),
            scoped(&[(AUTHORIZATION, "a"), (http::header::COOKIE, "session=b")]),
        ];
        for (index, caller) in callers.iter().enumerate() {
            assert!(!callers[..index].contains(caller), "{index}");
        }
        assert_eq!(callers[0], scoped(&[(http::header::COOKIE, "other=c")]));
        assert_eq!(callers[4], scoped(&[(http::header::COOKIE, "other=d;session=b")]));
    }

    #[test]
    fn a_request_without_one_key_is_told_so() {
        let mut headers = HeaderMap::new();
        assert!(IdempotencyKey::read(&headers, "session").unwrap_err().contains("no header"));
        headers.append(HEADER, HeaderValue::from_static("1"));
        headers.append(HEADER, HeaderValue::from_static("1"));
        assert!(IdempotencyKey::read(&headers, "session").unwrap_err().contains("several"));
    }
}
