//! Answers: which are kept, what of them, and those of the layer itself.

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
};
use serde_json::json;

/// Headers that are of one answer or one connection alone, and one that is for whoever sent the first request.
const OF_ITS_TIME: [HeaderName; 8] =
    [CONNECTION, CONTENT_LENGTH, DATE, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
/// Tells an answer that was kept.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Whether a repeat of the request gets the same answer.
pub(super) fn is_kept(status: StatusCode) -> bool {
    let is_passing =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    !status.is_server_error() && !is_passing
}

/// An answer as it is kept: the status, a line for each header, an empty line, and the body.
pub(super) fn encode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut kept = format!("{}\n", status.as_u16()).into_bytes();
    for (name, value) in headers.iter().filter(|(name, _)| !OF_ITS_TIME.contains(name)) {
        for part in [name.as_str().as_bytes(), b":", value.as_bytes(), b"\n"] {
            kept.extend_from_slice(part);
        }
    }
    kept.push(b'\n');
    kept.extend_from_slice(body);
    kept
}

/// The answer to a repeat.
pub(super) fn decode(kept: &[u8]) -> Option<Response> {
    let (status, mut rest) = line(kept)?;
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::from_bytes(status).ok()?;
    loop {
        let (header, after) = line(rest)?;
        rest = after;
        if header.is_empty() {
            break;
        }
        let at = header.iter().position(|byte| *byte == b':')?;
        let (name, value) = (header.get(..at)?, header.get(at + 1..)?);
        answer.headers_mut().append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    *answer.body_mut() = Body::from(Bytes::copy_from_slice(rest));
    Some(answer)
}

fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// What is kept in place of an answer that is too large for that.
pub(super) fn too_large() -> Vec<u8> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    let detail = "the request was carried out; its answer was too large to be kept";
    encode(StatusCode::CONFLICT, &headers, document(StatusCode::CONFLICT, detail).as_bytes())
}

const PROBLEM: &str = "application/problem+json";

/// An answer of the layer itself, by RFC 9457.
pub(super) fn problem(status: StatusCode, detail: &str) -> Response {
    let mut answer = (status, [(CONTENT_TYPE, PROBLEM)], document(status, detail)).into_response();
    if matches!(status, StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE) {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

fn document(status: StatusCode, detail: &str) -> String {
    json!({ "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail }).to_string()
}
