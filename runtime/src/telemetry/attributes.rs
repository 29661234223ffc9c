//! What of a request goes on its span, under the names of the conventions.

use std::{
    borrow::Cow,
    cell::RefCell,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use super::{route::Series, traces::span::Encoded, wire::Value};

/// Parameters whose values are credentials, from the conventions' list.
const REDACTED: &[&str] = &[
    "AWSAccessKeyId",
    "Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Goog-Signature",
    "sig",
];

/// The methods by the conventions' list; the first stands for all others.
pub(crate) const METHODS: [&str; 11] =
    ["_OTHER", "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"];
/// The place of `_OTHER` in [`METHODS`].
pub(crate) const OTHER_METHOD: usize = 0;
/// The schemes that clients use.
pub(crate) const SCHEMES: [&str; 2] = ["http", "https"];

/// Which of [`METHODS`] it is, as attribute and label; `_OTHER` for one that clients made up.
pub(crate) fn method(method: &Method) -> usize {
    const GET: usize = 3;
    const { assert!(matches!(METHODS[GET].as_bytes(), b"GET")) };
    // Nearly all are.
    if method == Method::GET {
        return GET;
    }
    METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(OTHER_METHOD)
}

/// The name of a server or client span: `GET /hello/{name}`, `GET` where no route or template is known; never the path.
pub(crate) fn span_name(method: &'static str, route: Option<&str>) -> Cow<'static, str> {
    let method = if method == METHODS[OTHER_METHOD] { "HTTP" } else { method };
    match route {
        Some(route) => format!("{method} {route}").into(),
        None => method.into(),
    }
}

/// The headers that telemetry reads, found in one pass: looking each of them up costs more.
#[derive(Default)]
pub(crate) struct Seen<'a> {
    host: Option<&'a HeaderValue>,
    user_agent: Option<&'a HeaderValue>,
    forwarded: Option<&'a HeaderValue>,
    x_forwarded_for: Option<&'a HeaderValue>,
    x_forwarded_proto: Option<&'a HeaderValue>,
    /// There is something for [`propagation::extract_context`](super::propagation::extract_context).
    pub(crate) has_context: bool,
}

/// The two ends of a connection, as the spans of its requests have them.
///
/// What a connection keeps for itself is likely to be out of the processor's cache when its next request comes, so it
/// is little, and in one place.
#[derive(Debug)]
pub(crate) struct PeerTelemetry {
    local: SocketAddr,
    local_bytes: [u8; 18],
    /// `network.peer.address`, and `client.address` as it is where no proxy says otherwise.
    peer: [u8; PEER],
    peer_ends: usize,
    client_ends: usize,
}

/// The size of both attributes for the longest address.
const PEER: usize = ("network.peer.address".len() + "client.address".len()) + 2 * (8 + 39);

thread_local! {
    /// What this thread said last of the server. Nearly all clients call it the same.
    static SERVER: RefCell<Said> = const { RefCell::new(Said { parts: Vec::new(), fields: Encoded(Vec::new()) }) };
}

/// Fields, and what they were made of.
#[derive(Debug, Default)]
struct Said {
    /// Each part that the fields were made of. Behind all but the last, which has one size, is a byte that is in none.
    parts: Vec<u8>,
    fields: Encoded,
}

/// How many bytes of fields, and of what they were made of, are kept; fields of more are made each time.
const KEPT: usize = 512;

// === impl Seen ===

impl<'a> Seen<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut seen = Self::default();
        for (name, value) in headers {
            // Of those that are there twice the first counts.
            let place = match name.as_str() {
                "host" => &mut seen.host,
                "user-agent" => &mut seen.user_agent,
                "forwarded" => &mut seen.forwarded,
                "x-forwarded-for" => &mut seen.x_forwarded_for,
                "x-forwarded-proto" => &mut seen.x_forwarded_proto,
                "traceparent" | "baggage" => {
                    seen.has_context = true;
                    continue;
                }
                _ => continue,
            };
            place.get_or_insert(value);
        }
        seen
    }

    /// Which of [`SCHEMES`] the client used, as far as a proxy in front says so.
    pub(crate) fn scheme(&self) -> usize {
        text(self.x_forwarded_proto).is_some_and(|proto| proto.eq_ignore_ascii_case("https")).into()
    }

    /// The client as the proxies in front saw it. Anybody can say anything here: it is for reading, not for deciding.
    fn client(&self) -> Option<IpAddr> {
        let forwarded = text(self.forwarded).and_then(|value| {
            value.split(',').next()?.split(';').find_map(|part| {
                let (name, value) = part.trim().split_once('=')?;
                name.eq_ignore_ascii_case("for").then_some(value)
            })
        });
        let first = forwarded.or_else(|| text(self.x_forwarded_for)?.split(',').next())?;
        let first = first.trim().trim_matches('"');
        first
            .parse::<SocketAddr>()
            .map(|address| address.ip())
            .ok()
            .or_else(|| first.trim_start_matches('[').trim_end_matches(']').parse().ok())
    }

    /// What the client called this server, if it did, with the port if that is not the scheme's.
    fn server<'b>(&'b self, uri: &'b Uri) -> Option<(&'b str, Option<u16>)> {
        if let Some(authority) = uri.authority() {
            return Some((authority.host(), authority.port_u16())).filter(|(host, _)| !host.is_empty());
        }
        let host = text(self.host)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%".contains(&byte);
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, None),
        };
        (!name.is_empty() && name.bytes().all(is_name)).then_some((name, port))
    }
}

// === impl PeerTelemetry ===

impl PeerTelemetry {
    /// Of a connection from the peer to this address.
    pub(crate) fn new(local: SocketAddr, peer: SocketAddr) -> Self {
        let mut fields = Encoded::default();
        address(&mut fields, "network.peer.address", peer.ip());
        let peer_ends = fields.0.len();
        address(&mut fields, "client.address", peer.ip());
        let mut peer = [0; PEER];
        let client_ends = fields.0.len().min(PEER);
        peer[..client_ends].copy_from_slice(&fields.0[..client_ends]);
        let mut local_bytes = [0; 18];
        local_bytes[..16].copy_from_slice(&to_v6(local.ip()).octets());
        local_bytes[16..].copy_from_slice(&local.port().to_be_bytes());
        Self { local, local_bytes, peer, peer_ends, client_ends }
    }

    /// Adds the attributes of a request that its route does not know.
    pub(crate) fn describe<B>(&self, span: &mut Encoded, request: &Request<B>, seen: &Seen<'_>, series: &Series) {
        let Self { local, local_bytes, peer, peer_ends, client_ends } = self;
        if series.method == METHODS[OTHER_METHOD] {
            span.attribute("http.request.method_original", Value::Text(request.method().as_str()));
        }
        span.path(request.uri().path());
        if let Some(query) = request.uri().query() {
            span.attribute("url.query", Value::Text(&redacted(query)));
        }
        let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
        let name = authority.or(seen.host.map(HeaderValue::as_bytes)).unwrap_or_default();
        let version = version(request.version()).unwrap_or_default();
        SERVER.with_borrow_mut(|said| {
            said.add_to(span, [version.as_bytes(), series.scheme.as_bytes(), name, local_bytes], |span| {
                if !version.is_empty() {
                    span.attribute("network.protocol.version", Value::Text(version));
                }
                match seen.server(request.uri()) {
                    Some((host, port)) => {
                        span.attribute("server.address", Value::Text(host));
                        let default = if series.scheme == "https" { 443 } else { 80 };
                        span.attribute("server.port", Value::Int(port.unwrap_or(default).into()));
                    }
                    None => {
                        address(span, "server.address", local.ip());
                        span.attribute("server.port", Value::Int(local.port().into()));
                    }
                }
            });
        });
        match seen.client() {
            None => span.0.extend_from_slice(&peer[..*client_ends]),
            Some(client) => {
                span.0.extend_from_slice(&peer[..*peer_ends]);
                address(span, "client.address", client);
            }
        }
        if let Some(agent) = text(seen.user_agent) {
            span.user_agent(agent);
        }
    }
}

// === impl Said ===

impl Said {
    /// Adds the fields that are made of these parts: those from before, if they were made of the same.
    fn add_to(&mut self, span: &mut Encoded, parts: [&[u8]; 4], make: impl FnOnce(&mut Encoded)) {
        if self.is_of(parts) {
            return span.fields(&self.fields);
        }
        let start = span.0.len();
        make(span);
        let made = &span.0[start..];
        self.parts.clear();
        if made.len() + parts.iter().map(|part| part.len() + 1).sum::<usize>() <= KEPT {
            for part in parts {
                self.parts.extend_from_slice(part);
                self.parts.push(0);
            }
            self.fields.0.clear();
            self.fields.0.extend_from_slice(made);
        }
    }

    fn is_of(&self, parts: [&[u8]; 4]) -> bool {
        let mut rest = &self.parts[..];
        for part in parts {
            match rest.strip_prefix(part) {
                Some([0, after @ ..]) => rest = after,
                _ => return false,
            }
        }
        rest.is_empty()
    }
}

fn to_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// The machinery of formatting costs more than all other attributes together, and nearly all addresses are of IPv4.
fn address(span: &mut Encoded, name: &str, address: IpAddr) {
    let IpAddr::V4(v4) = address else {
        return span.formatted(name, format_args!("{address}"));
    };
    let mut digits = [0; 15];
    let mut length = 0;
    let mut push = |byte| {
        digits[length] = byte;
        length += 1;
    };
    for (place, octet) in v4.octets().into_iter().enumerate() {
        if place > 0 {
            push(b'.');
        }
        for (unit, least) in [(100, 100), (10, 10), (1, 0)] {
            if octet >= least {
                push(b'0' + octet / unit % 10);
            }
        }
    }
    span.attribute(name, Value::Text(str::from_utf8(&digits[..length]).unwrap_or_default()));
}

/// The query, with `REDACTED` for the values of credentials.
pub(crate) fn redacted(query: &str) -> Cow<'_, str> {
    let secret = |pair: &str| {
        pair.split_once('=')
            .is_some_and(|(name, _)| form_decoded(name).is_some_and(|name| REDACTED.contains(&name.as_ref())))
    };
    if !query.split('&').any(secret) {
        return query.into();
    }
    let pairs: Vec<_> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if secret(pair) => format!("{name}=REDACTED").into(),
            _ => Cow::Borrowed(pair),
        })
        .collect();
    pairs.join("&").into()
}

/// The name of a parameter as the service would read it, since `%73ig` is `sig` too.
fn form_decoded(name: &str) -> Option<Cow<'_, str>> {
    url::form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name)
}

pub(crate) fn version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value?.to_str().ok()
}

#[cfg(test)]
mod tests;
