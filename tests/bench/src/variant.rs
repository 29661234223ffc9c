//! The services that are compared.

/// A service, and how many of its requests it traces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    /// What the table calls it.
    pub(crate) name: &'static str,
    /// The package that builds it.
    pub(crate) package: &'static str,
    /// The share of its requests that it traces, for `OTEL_TRACES_SAMPLER_ARG`; nothing where it has no traces.
    pub(crate) sampled: Option<f64>,
    /// Where it says that it is ready.
    pub(crate) ready: Ready,
    /// What it does, for those who read the table.
    pub(crate) about: &'static str,
}

/// Where a service says that it is ready: at its start, the first 200 there counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ready {
    /// Its route answers.
    Route,
    /// `/ready` on its admin address answers.
    Admin,
}

impl Variant {
    /// Whether the others are compared with it.
    pub(crate) fn is_reference(&self) -> bool {
        self.name == REFERENCE
    }
}

pub(crate) const REFERENCE: &str = "axum";

pub(crate) const VARIANTS: &[Variant] = &[
    Variant {
        name: "hyper",
        package: "bench-hyper",
        sampled: None,
        ready: Ready::Route,
        about: "hyper's HTTP/1.1 connection and a `match`; nothing is observed",
    },
    Variant {
        name: REFERENCE,
        package: "bench-axum",
        sampled: None,
        ready: Ready::Route,
        about: "`axum::serve`; nothing is observed",
    },
    Variant {
        name: "stack-100",
        package: "bench-stack",
        sampled: Some(1.0),
        ready: Ready::Route,
        about: "axum with what tutorials assemble: tower-http's trace, request id, timeout and catch-panic layers, a concurrency limit, \
                `tracing-opentelemetry`, JSON log lines, a metrics middleware with `metrics-exporter-prometheus`; 2 spans",
    },
    Variant {
        name: "stack-0",
        package: "bench-stack",
        sampled: Some(0.0),
        ready: Ready::Route,
        about: "the same, nothing sampled",
    },
    Variant {
        name: "foundations-100",
        package: "bench-foundations",
        sampled: Some(1.0),
        ready: Ready::Route,
        about: "axum with Cloudflare's foundations: 2 spans over gRPC, its metrics, its JSON log line; no timeout, limit or request id",
    },
    Variant {
        name: "fastrace-100",
        package: "bench-fastrace",
        sampled: Some(1.0),
        ready: Ready::Route,
        about: "axum with fastrace's layer and reporter: 2 spans; no metrics, no log line, no timeout, limit or request id",
    },
    Variant {
        name: "seaworthy-100",
        package: "bench-seaworthy",
        sampled: Some(1.0),
        ready: Ready::Admin,
        about: "Seaworthy as it comes: 2 spans, metrics, an access line, deadline, panic guard, limits, drain",
    },
    Variant {
        name: "seaworthy-10",
        package: "bench-seaworthy",
        sampled: Some(0.1),
        ready: Ready::Admin,
        about: "the same, one request in ten sampled",
    },
    Variant {
        name: "seaworthy-0",
        package: "bench-seaworthy",
        sampled: Some(0.0),
        ready: Ready::Admin,
        about: "the same, nothing sampled",
    },
];
