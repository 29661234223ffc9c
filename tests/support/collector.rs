//! A real OpenTelemetry collector, and what it received.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use seaworthy::testing::{Process, Signal};

use super::{own_address, tools};

/// A collector that prints what it receives.
pub(crate) struct Collector {
    process: Process,
    addresses: Addresses,
}

/// Where a collector listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    http: SocketAddr,
    grpc: SocketAddr,
}

/// A span as the collector got it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Span {
    pub(crate) resource: BTreeMap<String, String>,
    pub(crate) scope: String,
    /// Its fields, by the collector's names for them: `Name`, `Kind`, `Parent ID`.
    fields: BTreeMap<String, String>,
    /// With their types, as in `Int(200)`.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Lines about anything else, such as events.
    pub(crate) others: Vec<String>,
}

// === impl Collector ===

impl Collector {
    pub(crate) fn start() -> Self {
        Self::start_at(Addresses { http: own_address(), grpc: own_address() })
    }

    pub(crate) fn start_at(addresses: Addresses) -> Self {
        let scratch = std::env::temp_dir().join(format!("rotel-{}", addresses.http.ip()));
        let mut agent = Process::builder(tools::rotel());
        for argument in
            ["start", "--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed"]
        {
            agent = agent.arg(argument);
        }
        let process = agent
            .arg("--otlp-grpc-endpoint")
            .arg(addresses.grpc.to_string())
            .arg("--otlp-http-endpoint")
            .arg(addresses.http.to_string())
            .arg("--pid-file")
            .arg(scratch.with_extension("pid"))
            .arg("--log-file")
            .arg(scratch.with_extension("log"))
            .spawn();
        process.wait_until("the collector listens", || {
            [addresses.http, addresses.grpc].iter().all(|address| TcpStream::connect(address).is_ok())
        });
        Self { process, addresses }
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses
    }

    pub(crate) fn endpoint(&self, protocol: &str) -> String {
        self.addresses.endpoint(protocol)
    }

    /// How many spans it got so far.
    pub(crate) fn count(&self) -> usize {
        self.said().lines().filter(|line| line.starts_with("Span #")).count()
    }

    /// Waits until it has this many spans, ends it, and gives all it has.
    pub(crate) fn finish(self, at_least: usize) -> Vec<Span> {
        self.process.wait_until("the collector has the spans", || self.count() >= at_least);
        self.process.signal(Signal::Term);
        self.process.wait_exit(Duration::from_secs(20));
        parse(&self.said())
    }

    fn said(&self) -> String {
        self.process.stdout()
    }
}

// === impl Addresses ===

impl Addresses {
    pub(crate) fn endpoint(self, protocol: &str) -> String {
        let address = if protocol == "grpc" { self.grpc } else { self.http };
        format!("http://{address}")
    }
}

// === impl Span ===

impl Span {
    pub(crate) fn name(&self) -> &str {
        self.field("Name")
    }

    /// `SERVER`, `INTERNAL` and so on.
    pub(crate) fn kind(&self) -> &str {
        self.field("Kind").trim_start_matches("SPAN_KIND_")
    }

    pub(crate) fn trace(&self) -> &str {
        self.field("Trace ID")
    }

    pub(crate) fn id(&self) -> &str {
        self.field("ID")
    }

    /// Empty where there is none.
    pub(crate) fn parent(&self) -> &str {
        self.field("Parent ID")
    }

    /// A field by the collector's name for it. Empty where there is none.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// The span with this name, of those that the test made: there is exactly one.
pub(crate) fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name() == name).collect();
    assert_eq!(found.len(), 1, "spans named {name:?}: {spans:#?}");
    found[0]
}

/// Reads what the collector prints: a resource, then its scopes, then their spans, each with lines of `name: value`.
fn parse(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let (mut resource, mut scope) = (BTreeMap::new(), String::new());
    // What the next lines are about.
    let (mut in_span, mut section) = (false, "");
    // What begins otherwise are lines of its own log.
    for line in text.lines().filter(|line| !line.starts_with('\x1b')) {
        let pair = line.trim_start().trim_start_matches("-> ").split_once(':');
        let pair = pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        if line.starts_with("ResourceSpans #") {
            (resource, in_span, section) = (BTreeMap::new(), false, "");
        } else if line.starts_with("ScopeSpans #") {
            (in_span, section) = (false, "");
        } else if let Some(name) = line.strip_prefix("InstrumentationScope ") {
            scope = name.trim().to_owned();
        } else if line.starts_with("Span #") {
            spans.push(Span { resource: resource.clone(), scope: scope.clone(), ..Span::default() });
            (in_span, section) = (true, "fields");
        } else if !line.starts_with(' ') && line.ends_with(':') {
            section = line.trim_end_matches(':');
        } else if let (false, "Resource attributes", Some((name, value))) = (in_span, section, &pair) {
            resource.insert(name.clone(), value.clone());
        } else if let (Some(span), true) = (spans.last_mut(), in_span) {
            match (section, pair) {
                ("fields", Some((name, value))) => _ = span.fields.insert(name, value),
                ("Attributes", Some((name, value))) => {
                    let before = span.attributes.insert(name, value);
                    assert_eq!(before, None, "an attribute is there once: {line}");
                }
                _ => span.others.push(line.to_owned()),
            }
        }
    }
    spans
}
