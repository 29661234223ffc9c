//! What of a request goes on its span, under the names of the conventions.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use http::{HeaderMap, Method, Version, header, request::Parts};
use opentelemetry::KeyValue;

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

/// The method as attribute and label; `_OTHER` for one that clients made up.
pub(crate) fn method_name(method: &Method) -> &'static str {
    const KNOWN: &[&str] = &["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"];
    KNOWN.iter().find(|known| **known == method.as_str()).unwrap_or(&"_OTHER")
}

/// The name of a server span: `GET /hello/{name}`, `GET` where no route matched; never the path.
pub(crate) fn span_name(method: &'static str, route: Option<&str>) -> Cow<'static, str> {
    let method = if method == "_OTHER" { "HTTP" } else { method };
    match route {
        Some(route) => format!("{method} {route}").into(),
        None => method.into(),
    }
}

/// The scheme that the client used, as far as a proxy in front says so.
pub(crate) fn scheme(headers: &HeaderMap) -> &'static str {
    match text(headers, "x-forwarded-proto") {
        Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    }
}

/// The attributes that are known before the request is answered.
pub(crate) fn of_request(
    request: &Parts,
    method: &'static str,
    scheme: &'static str,
    route: Option<&str>,
    local: SocketAddr,
    peer: SocketAddr,
) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(16);
    let mut add = |name: &'static str, value: opentelemetry::Value| {
        attributes.push(KeyValue::new(name, value));
    };
    add("http.request.method", method.into());
    if method == "_OTHER" {
        let original = request.method.as_str().to_owned();
        add("http.request.method_original", original.into());
    }
    if let Some(route) = route {
        add("http.route", route.to_owned().into());
    }
    add("url.path", request.uri.path().to_owned().into());
    add("url.scheme", scheme.into());
    if let Some(query) = request.uri.query() {
        add("url.query", redacted(query).into_owned().into());
    }
    let (host, port) = server(request, scheme, local);
    add("server.address", host.into());
    add("server.port", i64::from(port).into());
    let client = forwarded_client(&request.headers).unwrap_or(peer.ip());
    add("client.address", client.to_string().into());
    add("network.peer.address", peer.ip().to_string().into());
    if let Some(version) = version(request.version) {
        add("network.protocol.version", version.into());
    }
    if let Some(agent) = text(&request.headers, header::USER_AGENT.as_str()) {
        add("user_agent.original", agent.to_owned().into());
    }
    attributes
}

/// The query, with `REDACTED` for the values of credentials.
fn redacted(query: &str) -> Cow<'_, str> {
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

/// What the client called this server, else the address that it reached.
fn server(request: &Parts, scheme: &str, local: SocketAddr) -> (String, u16) {
    let authority = request
        .uri
        .authority()
        .cloned()
        .or_else(|| request.headers.get(header::HOST).and_then(|host| host.as_bytes().try_into().ok()));
    match authority {
        Some(authority) if !authority.host().is_empty() => {
            let default = if scheme == "https" { 443 } else { 80 };
            let port = authority.port_u16().unwrap_or(default);
            (authority.host().to_owned(), port)
        }
        _ => (local.ip().to_string(), local.port()),
    }
}

/// The client as the proxies in front saw it. Anybody can say anything here: it is for reading, not for deciding.
fn forwarded_client(headers: &HeaderMap) -> Option<IpAddr> {
    let forwarded = text(headers, "forwarded").and_then(|value| {
        value.split(',').next()?.split(';').find_map(|part| {
            let (name, value) = part.trim().split_once('=')?;
            name.eq_ignore_ascii_case("for").then_some(value)
        })
    });
    let first = forwarded.or_else(|| text(headers, "x-forwarded-for")?.split(',').next())?;
    let first = first.trim().trim_matches('"');
    first
        .parse::<SocketAddr>()
        .map(|address| address.ip())
        .ok()
        .or_else(|| first.trim_start_matches('[').trim_end_matches(']').parse().ok())
}

fn version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(request: http::request::Builder) -> Vec<(String, String)> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        of_request(
            &parts,
            method_name(&parts.method),
            scheme(&parts.headers),
            Some("/hello/{name}"),
            "10.0.0.1:8080".parse().unwrap(),
            "10.0.0.2:50000".parse().unwrap(),
        )
        .into_iter()
        .map(|attribute| (attribute.key.to_string(), attribute.value.to_string()))
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
    fn the_server_is_what_the_client_called_it() {
        assert_eq!(one(get("/"), "server.address").unwrap(), "10.0.0.1");
        assert_eq!(one(get("/"), "server.port").unwrap(), "8080");
        assert_eq!(one(get("/").header("host", "a"), "server.port").unwrap(), "80");
        assert_eq!(one(get("http://b:81/"), "server.address").unwrap(), "b");
        assert_eq!(one(get("/").header("host", "\u{ff}@@"), "server.address").unwrap(), "10.0.0.1");
    }
}
