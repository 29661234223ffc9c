//! What the telemetry of calls to one server has in common: names and series, made once and found without a hash.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use http::{Method, StatusCode};
use metrics::Label;
use url::Url;

use super::Failed;
use crate::telemetry::{
    attributes::{self, METHODS, SCHEMES},
    clock::Moment,
    metrics::Histogram,
    traces::Ids,
};

/// How many servers and methods a client has at hand. There may be more, which cost a search.
const PEERS: usize = 16;
/// How many outcomes a server has at hand.
const OUTCOMES: usize = 8;

/// The servers that a client called.
pub(crate) struct Peers([OnceLock<Arc<Peer>>; PEERS]);

/// The telemetry of one method on one server.
pub(super) struct Peer {
    /// Of spans without a template.
    pub(super) name: Cow<'static, str>,
    pub(super) method: &'static str,
    scheme: &'static str,
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// How many calls wait for an answer.
    pub(super) active: metrics::Gauge,
    durations: [OnceLock<(Outcome, Histogram)>; OUTCOMES],
}

/// What tells one series of durations of a server from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered(StatusCode),
    Failed(Failed),
}

// === impl Peers ===

impl Peers {
    pub(crate) const fn new() -> Self {
        Self([const { OnceLock::new() }; _])
    }

    /// That of a method and a URL's server.
    ///
    /// Kept for the next time only within a service: before one runs nothing records, and what is kept would go on so.
    pub(super) fn of(&self, method: &Method, url: &Url, is_in_service: bool) -> Arc<Peer> {
        let method = METHODS[attributes::method(method)];
        let scheme = SCHEMES[usize::from(url.scheme() == "https")];
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let make = || Arc::new(Peer::new(method, scheme, host, port));
        if !is_in_service {
            return make();
        }
        for place in &self.0 {
            let peer = place.get_or_init(make);
            if (peer.port, peer.method, peer.scheme, &*peer.host) == (port, method, scheme, host) {
                return Arc::clone(peer);
            }
        }
        make()
    }
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peers").finish_non_exhaustive()
    }
}

// === impl Peer ===

impl Peer {
    fn new(method: &'static str, scheme: &'static str, host: &str, port: u16) -> Self {
        Self {
            name: attributes::span_name(method, None),
            method,
            scheme,
            host: host.into(),
            port,
            active: metrics::gauge!(
                "http_client_active_requests",
                "http_request_method" => method,
                "server_address" => host.to_owned(),
                "server_port" => port.to_string(),
                "url_scheme" => scheme,
            ),
            durations: [const { OnceLock::new() }; _],
        }
    }

    /// Records how long a call took, in nanoseconds, with its trace as an example where that is kept.
    pub(super) fn record(&self, nanos: u64, at: Moment, outcome: Outcome, ids: Option<Ids>) {
        let seconds = nanos as f64 / 1e9;
        let record = |histogram: &Histogram| match ids {
            Some(Ids { trace, span, sampled: true, .. }) => histogram.record_with_exemplar(seconds, trace, span, at),
            _ => histogram.record(seconds),
        };
        for place in &self.durations {
            let (known, histogram) = place.get_or_init(|| (outcome, self.duration(outcome)));
            if *known == outcome {
                return record(histogram);
            }
        }
        record(&self.duration(outcome));
    }

    fn duration(&self, outcome: Outcome) -> Histogram {
        let status = match &outcome {
            Outcome::Answered(status) => status.as_str(),
            Outcome::Failed(_) => "",
        };
        let labels = vec![
            Label::new("http_request_method", self.method),
            Label::new("server_address", String::from(&*self.host)),
            Label::new("server_port", self.port.to_string()),
            Label::new("http_response_status_code", status.to_owned()),
            Label::new("error_type", outcome.error_type().unwrap_or_default().to_owned()),
            Label::new("url_scheme", self.scheme),
        ];
        Histogram::new("http_client_request_duration_seconds", labels)
    }
}

// === impl Outcome ===

impl Outcome {
    /// `error.type`: why the call failed, if it did.
    pub(super) fn error_type(&self) -> Option<&str> {
        match self {
            Self::Answered(status) => (status.is_client_error() || status.is_server_error()).then_some(status.as_str()),
            Self::Failed(failed) => Some(failed.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_again_within_a_service() {
        let peers = Peers::new();
        let of = |method, url: &str| peers.of(&method, &Url::parse(url).unwrap(), true);
        let one = of(Method::GET, "http://a/x");
        assert_eq!((&*one.host, one.port, one.method, one.scheme), ("a", 80, "GET", "http"));
        assert!(Arc::ptr_eq(&one, &of(Method::GET, "http://a:80/y?z")));
        let others = [(Method::PUT, "http://a/"), (Method::GET, "http://a:81/"), (Method::GET, "http://b/")];
        for (method, url) in others.into_iter().chain([(Method::GET, "https://a:80/")]) {
            assert!(!Arc::ptr_eq(&one, &of(method, url)), "{url}");
        }
        for port in 100..200 {
            assert_eq!(of(Method::GET, &format!("http://a:{port}")).port, port);
        }
        assert!(Arc::ptr_eq(&one, &of(Method::GET, "http://a/x")));
    }

    #[test]
    fn outside_of_a_service_nothing_is_kept() {
        let peers = Peers::new();
        let url = Url::parse("http://a/").unwrap();
        assert!(!Arc::ptr_eq(&peers.of(&Method::GET, &url, false), &peers.of(&Method::GET, &url, false)));
        assert!(peers.0[0].get().is_none());
    }

    #[test]
    fn what_fails_to_a_client() {
        for (status, expected) in [(200, None), (302, None), (399, None), (404, Some("404")), (500, Some("500"))] {
            let outcome = Outcome::Answered(StatusCode::from_u16(status).unwrap());
            assert_eq!(outcome.error_type(), expected, "{status}");
        }
        assert_eq!(Outcome::Failed(Failed::Connect).error_type(), Some("connect"));
    }
}
