use opentelemetry_proto::tonic::{common::v1::any_value, trace::v1::Span};
use prost::Message;

use super::*;
use crate::telemetry::RouteTelemetry;

fn attributes(request: http::request::Builder) -> Vec<(String, String)> {
    attributes_of(
        &request.body(()).unwrap(),
        &PeerTelemetry::new("10.0.0.1:8080".parse().unwrap(), "10.0.0.2:50000".parse().unwrap()),
    )
}

fn attributes_of(request: &Request<()>, peer: &PeerTelemetry) -> Vec<(String, String)> {
    let seen = Seen::of(request.headers());
    let route = RouteTelemetry::new(Some("/hello/{name}"));
    let series = route.series(method(request.method()), seen.scheme());
    let mut span = Encoded::default();
    span.fields(&series.span);
    peer.describe(&mut span, request, &seen, series);
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
        ("url.scheme", "http"),
        ("url.path", "/hello/you"),
        ("url.query", "x=1"),
        ("network.protocol.version", "1.1"),
        ("server.address", "shop.example"),
        ("server.port", "8443"),
        ("network.peer.address", "10.0.0.2"),
        ("client.address", "10.0.0.2"),
        ("user_agent.original", "curl/8"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(attributes(request), expected);
}

#[test]
fn what_was_said_before_is_not_said_of_the_next_request() {
    let peer = PeerTelemetry::new("10.0.0.1:8080".parse().unwrap(), "10.0.0.2:50000".parse().unwrap());
    let long = "a".repeat(KEPT);
    let mut requests = Vec::new();
    for (host, agent, client) in [
        ("a.example", Some("curl/8"), Some("203.0.113.9")),
        ("a.example", Some("curl/8"), Some("203.0.113.9")),
        ("a.example", Some("curl/9"), Some("203.0.113.9")),
        ("a.example", None, Some("203.0.113.9")),
        ("b.example", None, None),
        ("b.example:81", Some(&long), None),
        ("b.example:81", Some("c"), Some("203.0.113.10")),
        ("a.example", Some(&long), None),
        (&long, Some("c"), None),
        (&long, None, None),
        ("not a name", None, None),
    ] {
        let mut request = get("/").header("host", host);
        for (name, value) in [("user-agent", agent), ("x-forwarded-for", client)] {
            request = value.into_iter().fold(request, |request, value| request.header(name, value));
        }
        requests.push(request.body(()).unwrap());
    }
    for request in &requests {
        let said = attributes_of(request, &peer);
        SERVER.take();
        assert_eq!(said, attributes_of(request, &peer));
    }
}

#[test]
fn addresses_of_any_length_are_kept() {
    for ip in ["0.0.0.0", "255.255.255.255", "::1", "1234:5678:9abc:def0:1234:5678:9abc:def0"] {
        let address = SocketAddr::new(ip.parse().unwrap(), 1);
        let attributes = attributes_of(&get("/").body(()).unwrap(), &PeerTelemetry::new(address, address));
        for name in ["network.peer.address", "client.address", "server.address"] {
            assert!(attributes.contains(&(name.to_owned(), ip.to_owned())), "{attributes:?}");
        }
    }
}

#[test]
fn parts_are_told_apart() {
    let mut said = Said::default();
    let empty: [&[u8]; 4] = [b"", b"", b"", b"\0\0"];
    assert!(!said.is_of(empty));
    said.add_to(&mut Encoded::default(), [b"ab", b"", b"c", b"\0\x01"], |_| {});
    assert!(said.is_of([b"ab", b"", b"c", b"\0\x01"]));
    let others: [[&[u8]; 4]; 5] = [
        empty,
        [b"a", b"b", b"c", b"\0\x01"],
        [b"ab", b"c", b"", b"\0\x01"],
        [b"ab", b"", b"cd", b"\0\x01"],
        [b"ab", b"", b"c", b"\0\0"],
    ];
    assert!(others.into_iter().all(|parts| !said.is_of(parts)));
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
