mod server;
mod shutdown;
mod tls;

use std::{collections::BTreeMap, error::Error as _, future, net::SocketAddr};

use reqwest::{
    Method, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use tracing::Instrument;

use self::server::Server;
use super::*;
use crate::telemetry::{FinishedSpan, finished_spans, in_trace};

/// Nobody listens there. One that was just free may soon be another test's.
const CLOSED: &str = "127.0.0.1:1";

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// A client that goes to no proxy, whatever the environment of the tests says.
fn client() -> HttpClient {
    changed(|client| client)
}

fn changed(change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> HttpClient {
    HttpClient::with(|defaults| change(defaults.no_proxy())).unwrap()
}

/// The span of the call, the first to end.
fn of_call(spans: &[FinishedSpan]) -> &FinishedSpan {
    let [call, request] = spans else { panic!("{spans:?}") };
    assert_eq!((request.kind, call.kind), (2, 3));
    assert_eq!(call.parent_span_id, request.span_id);
    assert_eq!(call.count, call.attributes.len(), "one is there twice");
    call
}

fn error_type(spans: &[FinishedSpan]) -> Option<&str> {
    let call = of_call(spans);
    let error = call.attributes.get("error.type").map(String::as_str);
    assert_eq!(call.is_error, error.is_some());
    error
}

#[test]
fn a_call_has_a_span_that_the_server_continues() {
    let mut server = Server::answering(OK);
    let (head, spans) = in_trace(true, async {
        let answer = client().get(server.url("/prices/7?currency=EUR")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "hello");
        server.head().await
    });
    let span = of_call(&spans);
    assert_eq!(span.name, "GET");
    let url = server.url("/prices/7?currency=EUR");
    let port = server.port.to_string();
    let expected = [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("network.protocol.version", "1.1"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("url.full", &url),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    assert_eq!(span.attributes, expected);
    let parent = format!("traceparent: 00-{}-{}-01\r\n", span.trace_id, span.span_id);
    for header in [&parent, "tracestate: a=1\r\n", "baggage: tenant=7\r\n", "user-agent: seaworthy/"] {
        assert!(head.contains(header), "{header}: {head}");
    }
}

#[test]
fn the_context_goes_on_where_nothing_is_sampled() {
    let mut server = Server::answering(OK);
    let (heads, spans) = in_trace(false, async {
        let http = client();
        let mut heads = Vec::new();
        for _ in 0..2 {
            // What somebody passed on without thought does not count.
            http.get(server.url("/")).header("traceparent", "00-1-2-01").send().await.unwrap();
            heads.push(server.head().await);
        }
        (crate::telemetry::trace_id().unwrap(), heads)
    });
    assert_eq!(spans, []);
    let (trace, heads) = heads;
    let parents: Vec<_> =
        heads.iter().map(|head| head.split_once(&format!("traceparent: 00-{trace}-")).unwrap().1).collect();
    assert!(parents.iter().all(|parent| parent[16..].starts_with("-00\r\n")), "{heads:?}");
    assert_ne!(parents[0][..16], parents[1][..16], "each call has a span");
    assert!(heads.iter().all(|head| head.contains("baggage: tenant=7\r\n")));
    assert!(heads.iter().all(|head| !head.contains("00-1-2-01")));
}

#[test]
fn a_template_names_the_span() {
    let server = Server::answering(OK);
    let ((), spans) = in_trace(true, async {
        client().delete(server.url("/prices/7")).template("/prices/{article}").send().await.unwrap();
    });
    let span = of_call(&spans);
    assert_eq!(span.name, "DELETE /prices/{article}");
    assert_eq!(span.attributes["url.template"], "/prices/{article}");
}

#[test]
fn a_made_up_method_is_other() {
    let server = Server::answering(OK);
    let ((), spans) = in_trace(true, async {
        let brew = Method::from_bytes(b"BREW").unwrap();
        client().request(brew, server.url("/")).send().await.unwrap();
    });
    let span = of_call(&spans);
    assert_eq!(span.name, "HTTP");
    assert_eq!(span.attributes["http.request.method"], "_OTHER");
    assert_eq!(span.attributes["http.request.method_original"], "BREW");
}

#[test]
fn an_answer_is_an_answer_and_from_400_up_an_error_on_the_span() {
    for (status, error) in [(204, None), (302, None), (404, Some("404")), (503, Some("503"))] {
        let mut server = Server::answering(&format!("HTTP/1.1 {status} X\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"));
        let ((), spans) = in_trace(true, async {
            let answer = client().get(server.url("/")).send().await.unwrap();
            assert_eq!(answer.status(), status);
            server.head().await;
            assert!(server.is_quiet(), "no redirect is followed");
        });
        assert_eq!(error_type(&spans), error);
        assert_eq!(of_call(&spans).attributes["http.response.status_code"], status.to_string());
    }
}

#[test]
fn the_span_ends_with_the_head_of_the_answer_whoever_holds_on_to_it() {
    struct Holder(u16);
    impl Resolve for Holder {
        fn resolve(&self, _: Name) -> Resolving {
            tokio::spawn(future::pending::<()>().in_current_span());
            let address: SocketAddr = ([127, 0, 0, 1], self.0).into();
            Box::pin(future::ready(Ok(Box::new([address].into_iter()) as Addrs)))
        }
    }
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
    in_trace(true, async {
        let http = changed(|client| client.dns_resolver(Holder(server.port)));
        let answer = http.get("http://catalogue/").send().await.unwrap();
        let trace = crate::telemetry::trace_id().unwrap();
        assert!(finished_spans().iter().any(|span| span.trace_id == trace && span.kind == 3));
        drop(answer);
    });
}

/// What can go wrong before there is an answer.
#[test]
fn a_failure_is_recorded_as_what_it_was() {
    struct Nameless;
    impl Resolve for Nameless {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(future::ready(Err("there is no such name".into())))
        }
    }
    let (silent, rude) = (Server::silent(), Server::answering(""));
    let around = Server::answering("HTTP/1.1 302 X\r\nlocation: /\r\ncontent-length: 0\r\n\r\n");
    let short = Duration::from_millis(50);
    let cases = [
        ("connect", client().get(format!("http://{CLOSED}/"))),
        ("timeout", client().get(silent.url("/")).timeout(short)),
        ("timeout", changed(|client| client.timeout(short)).get(silent.url("/"))),
        ("request", client().get(rude.url("/"))),
        ("dns", changed(|client| client.dns_resolver(Nameless)).get("http://nameless/")),
        ("redirect", changed(|client| client.redirect(Policy::limited(2))).get(around.url("/"))),
        ("invalid", changed(|client| client.https_only(true)).get(around.url("/"))),
    ];
    for (expected, request) in cases {
        let (failed, spans) = in_trace(true, request.send());
        assert!(matches!(failed, Err(Error::Request(_))), "{expected}: {failed:?}");
        assert_eq!(error_type(&spans), Some(expected), "{failed:?}");
        assert!(!of_call(&spans).attributes.contains_key("http.response.status_code"));
    }
}

#[test]
fn what_is_no_request_is_no_call() {
    for url in ["/prices", "http://user:hunter2@:80/", "ftp://user:hunter2@127.0.0.1/"] {
        let (failed, spans) = in_trace(true, client().get(url).send());
        let error = failed.unwrap_err();
        assert!(matches!(&error, Error::Request(error) if error.is_builder()), "{error:?}");
        assert_eq!(spans.len(), 1, "{url}");
        assert!(!everything(&error).contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_call_that_nobody_waits_for_is_recorded_as_cancelled() {
    let mut server = Server::silent();
    let (sent, spans) = in_trace(true, async {
        let request = client().get(server.url("/"));
        tokio::select! {
            answer = request.send() => panic!("{answer:?}"),
            head = server.head() => head,
        }
    });
    assert!(sent.starts_with("GET / "));
    assert_eq!(error_type(&spans), Some("cancelled"));
    server.closed_by_client();
}

/// All that an error says.
fn everything(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(" {error} {error:?}");
        source = error.source();
    }
    text
}

#[test]
fn credentials_reach_the_server_and_nobody_else() {
    let mut server = Server::answering("HTTP/1.1 404 X\r\ncontent-length: 5\r\n\r\nhello");
    let silent = Server::silent();
    let secret = |server: &str| format!("{}/p?a=1&sig=hunter2", server.replace("http://", "http://ada:hunter2@"));
    let (said, spans) = in_trace(true, async {
        let answer = client().get(secret(&server.url(""))).send().await.unwrap();
        assert_eq!(answer.content_length(), Some(5));
        assert_eq!(answer.remote_addr().map(|address| address.port()), Some(server.port));
        let of_status = answer.error_for_status_ref().unwrap_err();
        let mut said = vec![format!("{of_status:?} {of_status} {answer:?}")];
        assert_eq!(answer.text().await.unwrap(), "hello");
        let late = client().get(secret(&silent.url(""))).timeout(Duration::from_millis(20)).send().await;
        let refused = client().get(secret(&format!("http://{CLOSED}"))).send().await;
        said.extend([late, refused].map(|failed| everything(&failed.unwrap_err())));
        let head = server.head().await;
        assert!(head.starts_with("GET /p?a=1&sig=hunter2 "), "{head}");
        assert!(head.contains("authorization: Basic "), "{head}");
        said
    });
    for said in said {
        assert!(said.contains("a=1&sig=REDACTED") && !said.contains("hunter2"), "{said}");
    }
    assert_eq!(spans.len(), 4);
    assert!(!format!("{spans:?}").contains("hunter2"), "{spans:?}");
}

#[test]
fn urls_without_their_credentials() {
    for (url, expected) in [
        ("http://ada:hunter2@host/?sig=x", "http://REDACTED:REDACTED@host/?sig=REDACTED"),
        ("http://token@host/", "http://REDACTED:REDACTED@host/"),
        ("http://:hunter2@host/", "http://REDACTED:REDACTED@host/"),
        ("http://host/?a=%20&X-Amz-Signature=x&b=c#d", "http://host/?a=%20&X-Amz-Signature=REDACTED&b=c#d"),
        ("http://host/?a=b", "http://host/?a=b"),
    ] {
        let mut redacted = url.parse().unwrap();
        assert_eq!(redaction::redact(&mut redacted), url != expected);
        assert_eq!(redacted.as_str(), expected);
    }
}

#[test]
fn every_part_of_a_request_is_sent() {
    let mut server = Server::answering(OK);
    let http = changed(|client| client.pool_max_idle_per_host(0));
    let form = BTreeMap::from([("a", "b c")]);
    let mut headers = http::HeaderMap::new();
    headers.insert("x-one", HeaderValue::from_static("1"));
    let cases = [
        (http.head(server.url("/")).query(&form), "HEAD /?a=b+c "),
        (http.post(server.url("/")).json(&form), "content-type: application/json\r\n"),
        (http.patch(server.url("/")).form(&form), "content-type: application/x-www-form-urlencoded\r\n"),
        (http.put(server.url("/")).body("text"), "content-length: 4\r\n"),
        (http.get(server.url("/")).bearer_auth("token"), "authorization: Bearer token\r\n"),
        (http.get(server.url("/")).basic_auth("a", Some("b")), "authorization: Basic YTpi\r\n"),
        (http.get(server.url("/")).header("x-one", 1), "x-one: 1\r\n"),
        (http.get(server.url("/")).headers(headers), "x-one: 1\r\n"),
        (http.get(server.url("/")).with(|request| request.header("x-two", 2)), "x-two: 2\r\n"),
    ];
    in_trace(true, async {
        for (request, expected) in cases {
            assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
            let head = server.head().await;
            assert!(head.contains(expected), "{expected}: {head}");
        }
    });
}

#[test]
fn a_client_of_ones_own_is_traced_too() {
    let server = Server::answering(OK);
    let own = client().reqwest;
    let (_, spans) = in_trace(true, HttpClient::from(own).get(server.url("/")).send());
    assert_eq!(error_type(&spans), None);
}
