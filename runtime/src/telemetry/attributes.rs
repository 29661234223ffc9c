//! What of a request goes on its span, under the names of the conventions.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use http::{HeaderMap, HeaderName, Method, Version, header, request::Parts};

use super::{traces::span::Encoded, wire::Value};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

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

/// The methods by the conventions' list. All others are the first of these.
pub(crate) const METHODS: [&str; 11] =
    ["_OTHER", "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"];
/// The schemes that clients use.
pub(crate) const SCHEMES: [&str; 2] = ["http", "https"];

/// Which of [`METHODS`] it is, as attribute and label; `_OTHER` for one that clients made up.
pub(crate) fn method(method: &Method) -> usize {
    METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(0)
}

/// The name of a server or client span: `GET /hello/{name}`, `GET` where no route or template is known; never the path.
pub(crate) fn span_name(method: &'static str, route: Option<&str>) -> Cow<'static, str> {
    let method = if method == "_OTHER" { "HTTP" } else { method };
    match route {
        Some(route) => format!("{method} {route}").into(),
        None => method.into(),
    }
}

/// Which of [`SCHEMES`] the client used, as far as a proxy in front says so.
pub(crate) fn scheme(headers: &HeaderMap) -> usize {
    text(headers, &X_FORWARDED_PROTO).is_some_and(|proto| proto.eq_ignore_ascii_case("https")).into()
}

/// Adds the attributes that are known before the request is answered.
pub(crate) fn of_request(
    span: &mut Encoded,
    request: &Parts,
    method: &str,
    scheme: &str,
    route: Option<&str>,
    local: SocketAddr,
    peer: SocketAddr,
) {
    span.attribute("http.request.method", Value::Text(method));
    if method == "_OTHER" {
        span.attribute("http.request.method_original", Value::Text(request.method.as_str()));
    }
    if let Some(route) = route {
        span.attribute("http.route", Value::Text(route));
    }
    span.attribute("url.path", Value::Text(request.uri.path()));
    span.attribute("url.scheme", Value::Text(scheme));
    if let Some(query) = request.uri.query() {
        span.attribute("url.query", Value::Text(&redacted(query)));
    }
    match server(request) {
        Some((host, port)) => {
            span.attribute("server.address", Value::Text(host));
            let default = if scheme == "https" { 443 } else { 80 };
            span.attribute("server.port", Value::Int(port.unwrap_or(default).into()));
        }
        None => {
            address(span, "server.address", local.ip());
            span.attribute("server.port", Value::Int(local.port().into()));
        }
    }
    address(span, "client.address", forwarded_client(&request.headers).unwrap_or(peer.ip()));
    address(span, "network.peer.address", peer.ip());
    if let Some(version) = version(request.version) {
        span.attribute("network.protocol.version", Value::Text(version));
    }
    if let Some(agent) = text(&request.headers, &header::USER_AGENT) {
        span.attribute("user_agent.original", Value::Text(agent));
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

/// What the client called this server, if it did, with the port if that is not the scheme's.
fn server(request: &Parts) -> Option<(&str, Option<u16>)> {
    if let Some(authority) = request.uri.authority() {
        return Some((authority.host(), authority.port_u16())).filter(|(host, _)| !host.is_empty());
    }
    let host = text(&request.headers, &header::HOST)?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%".contains(&byte);
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (host, None),
    };
    (!name.is_empty() && name.bytes().all(is_name)).then_some((name, port))
}

/// The client as the proxies in front saw it. Anybody can say anything here: it is for reading, not for deciding.
fn forwarded_client(headers: &HeaderMap) -> Option<IpAddr> {
    let forwarded = text(headers, &header::FORWARDED).and_then(|value| {
        value.split(',').next()?.split(';').find_map(|part| {
            let (name, value) = part.trim().split_once('=')?;
            name.eq_ignore_ascii_case("for").then_some(value)
        })
    });
    let first = forwarded.or_else(|| text(headers, &X_FORWARDED_FOR)?.split(',').next())?;
    let first = first.trim().trim_matches('"');
    first
        .parse::<SocketAddr>()
        .map(|address| address.ip())
        .ok()
        .or_else(|| first.trim_start_matches('[').trim_end_matches(']').parse().ok())
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

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::{common::v1::any_value, trace::v1::Span};
    use prost::Message;

    use super::*;

    fn attributes(request: http::request::Builder) -> Vec<(String, String)> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let mut span = Encoded::default();
        of_request(
            &mut span,
            &parts,
            METHODS[method(&parts.method)],
            SCHEMES[scheme(&parts.headers)],
            Some("/hello/{name}"),
            "10.0.0.1:8080".parse().unwrap(),
            "10.0.0.2:50000".parse().unwrap(),
        );
        Span::decode(&span.0[..])
            .unwrap()
            .attributes
            .into_iter()
            .map(|attribute| {
                let value = match attribute.value.unwrap().value.unwrap() {
                    any_value::Value::StringValue(text) => text,
                    any_value::Value::IntValue(number) => number.to_string(),
                    other => panic!("{other:?}"),
                };
                (attribute.key, value)
            })
            .collect()
    }

    fn one(request: http::request::Builder, name: &str) -> Option<String> {
        attributes(request).into_iter().find_map(|(key, value)| (key == name).then_some(value))
    }

    fn get(uri: &str) -> http::request::Builder {
        http::Request::get(uri)
    }

    #[test]
    fn the_names_are_those_of_the_conventions() {
        let request = get("/hello/you?x=1").header("host", "shop.example:8443").header("user-agent", "curl/8");
        let expected = [
            ("http.request.method", "GET"),
            ("http.route", "/hello/{name}"),
            ("url.path", "/hello/you"),
            ("url.scheme", "http"),
            ("url.query", "x=1"),
            ("server.address", "shop.example"),
            ("server.port", "8443"),
            ("client.address", "10.0.0.2"),
            ("network.peer.address", "10.0.0.2"),
            ("network.protocol.version", "1.1"),
            ("user_agent.original", "curl/8"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(attributes(request), expected);
    }

    #[test]
    fn credentials_in_the_query_are_redacted() {
        for (query, expected) in [
            ("a=1&b=2", "a=1&b=2"),
            ("sig=abc", "sig=REDACTED"),
            ("a=1&X-Amz-Signature=s&b", "a=1&X-Amz-Signature=REDACTED&b"),
            ("X-Amz-Credential=c&X-Amz-Security-Token=t", "X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED"),
            ("AWSAccessKeyId=k&Signature=s", "AWSAccessKeyId=REDACTED&Signature=REDACTED"),
            ("X-Goog-Signature=g", "X-Goog-Signature=REDACTED"),
            ("%73ig=abc=d", "%73ig=REDACTED"),
            ("sig", "sig"),
            ("design=abc", "design=abc"),
        ] {
            assert_eq!(redacted(query), expected);
        }
    }

    #[test]
    fn names_of_spans() {
        assert_eq!(span_name("GET", Some("/hello/{name}")), "GET /hello/{name}");
        assert_eq!(span_name("GET", None), "GET");
        assert_eq!(span_name("_OTHER", Some("/x")), "HTTP /x");
    }

    #[test]
    fn a_made_up_method_is_other() {
        let request = http::Request::builder().method("BREW").uri("/");
        assert_eq!(one(request, "http.request.method").unwrap(), "_OTHER");
        let request = http::Request::builder().method("BREW").uri("/");
        assert_eq!(one(request, "http.request.method_original").unwrap(), "BREW");
        let request = http::Request::builder().method("get").uri("/");
        assert_eq!(one(request, "http.request.method").unwrap(), "_OTHER");
        assert_eq!(one(get("/"), "http.request.method_original"), None);
    }

    #[test]
    fn what_a_proxy_says_of_the_client() {
        for (name, value, expected) in [
            ("x-forwarded-for", "203.0.113.9, 10.1.1.1", "203.0.113.9"),
            ("x-forwarded-for", "203.0.113.9:4711", "203.0.113.9"),
            ("x-forwarded-for", "2001:db8::1", "2001:db8::1"),
            ("x-forwarded-for", "nonsense", "10.0.0.2"),
            ("forwarded", "proto=https;For=\"[2001:db8::2]:99\", for=10.9.9.9", "2001:db8::2"),
            ("forwarded", "by=x", "10.0.0.2"),
        ] {
            let address = one(get("/").header(name, value), "client.address");
            assert_eq!(address.unwrap(), expected, "{name}: {value}");
        }
        assert_eq!(one(get("/").header("x-forwarded-proto", "https"), "url.scheme").unwrap(), "https");
        assert_eq!(one(get("/").header("x-forwarded-proto", "gopher"), "url.scheme").unwrap(), "http");
    }

    #[test]
    fn addresses() {
        for text in ["0.0.0.0", "1.20.100.255", "10.9.90.199", "101.0.0.1", "2001:db8::1"] {
            assert_eq!(one(get("/").header("x-forwarded-for", text), "client.address").unwrap(), text);
        }
    }

    #[test]
    fn the_server_is_what_the_client_called_it() {
        assert_eq!(one(get("/"), "server.address").unwrap(), "10.0.0.1");
        assert_eq!(one(get("/"), "server.port").unwrap(), "8080");
        assert_eq!(one(get("/").header("host", "a"), "server.port").unwrap(), "80");
        assert_eq!(one(get("http://b:81/"), "server.address").unwrap(), "b");
        assert_eq!(one(get("/").header("host", "[::1]:81"), "server.address").unwrap(), "[::1]");
        assert_eq!(one(get("/").header("host", "[::1]"), "server.port").unwrap(), "80");
        assert_eq!(one(get("/").header("host", "\u{ff}@@"), "server.address").unwrap(), "10.0.0.1");
    }
}
