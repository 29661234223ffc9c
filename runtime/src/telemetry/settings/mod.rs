//! What the `OTEL_*` variables ask for.
//!
//! They are read here and not by the SDK, for three reasons: they come from the [`Environment`] that the service was
//! started with, so a test can give its own; an empty one is unset, as the specification has it; and a value that
//! can't be used becomes one warning with the variable's name, never a crash and never silence.

mod exporter;
mod reader;

use std::{path::PathBuf, time::Duration};

use self::reader::Reader;
use crate::{config::Environment, sorted::Sorted};

/// What the variables ask for, with the specification's defaults for the rest.
pub(crate) struct OtelSettings {
    /// `OTEL_SERVICE_NAME`.
    pub(crate) service_name: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES`.
    pub(crate) resource_attributes: Sorted<String>,
    /// `OTEL_PROPAGATORS`.
    pub(crate) propagators: Vec<Propagator>,
    /// `OTEL_TRACES_SAMPLER` and `_ARG`.
    pub(crate) sampler: SamplerChoice,
    /// Where spans go; `None` where nothing is to be exported.
    pub(crate) exporter: Option<ExporterSettings>,
}

/// A format of trace context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagator {
    TraceContext,
    Baggage,
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SamplerChoice {
    AlwaysOn,
    AlwaysOff,
    Ratio(f64),
    ParentBasedAlwaysOn,
    ParentBasedAlwaysOff,
    ParentBasedRatio(f64),
}

/// Where and how spans are exported.
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "without the exporter it only matters that there are some")
)]
pub(crate) struct ExporterSettings {
    /// The whole URL for http/protobuf; scheme and authority count for gRPC.
    pub(crate) endpoint: http::Uri,
    pub(crate) protocol: Protocol,
    pub(crate) headers: http::HeaderMap,
    pub(crate) compression: Compression,
    pub(crate) tls: TlsSettings,
    /// How long one attempt may take.
    pub(crate) timeout: Duration,
    pub(crate) batch: BatchSettings,
}

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    HttpProtobuf,
    Grpc,
}

/// How messages are made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
}

/// Who the collector is, where it is one over https, and who this process is to it.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(not(all(feature = "otlp", feature = "tls")), allow(dead_code, reason = "there is no TLS"))]
pub(crate) struct TlsSettings {
    /// Whom to trust; `None` for those whom the system trusts.
    pub(crate) certificate: Option<NamedFile>,
    /// A certificate of our own, and its key.
    pub(crate) identity: Option<(NamedFile, NamedFile)>,
}

/// A file, and the variable that named it.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(not(all(feature = "otlp", feature = "tls")), allow(dead_code, reason = "there is no TLS"))]
pub(crate) struct NamedFile {
    pub(crate) variable: &'static str,
    pub(crate) path: PathBuf,
}

/// `OTEL_BSP_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "without the exporter it only matters that there are some")
)]
pub(crate) struct BatchSettings {
    /// How long spans wait for a batch to fill.
    pub(crate) schedule_delay: Duration,
    /// How many spans may wait; more are dropped and counted.
    pub(crate) max_queue_size: usize,
    /// How many spans go out at once.
    pub(crate) max_export_batch_size: usize,
    /// How long one batch is tried, with all its attempts.
    pub(crate) export_timeout: Duration,
}

// === impl OtelSettings ===

impl OtelSettings {
    /// Reads the variables; the texts say what of them can't be used.
    pub(crate) fn read(environment: &Environment) -> (Self, Vec<String>) {
        let mut reader = Reader::new(environment);
        let disabled = reader.flag("OTEL_SDK_DISABLED");
        let settings = Self {
            service_name: environment.text("OTEL_SERVICE_NAME").map(str::to_owned),
            resource_attributes: reader.pairs("OTEL_RESOURCE_ATTRIBUTES"),
            propagators: reader.propagators(),
            // Without the SDK nothing begins a trace that is sampled, but what a caller decided is passed on.
            sampler: if disabled { SamplerChoice::ParentBasedAlwaysOff } else { reader.sampler() },
            exporter: if disabled { None } else { reader.exporter() },
        };
        (settings, reader.warnings())
    }
}

// === impl ExporterSettings ===

#[cfg(any(test, feature = "otlp"))]
impl ExporterSettings {
    /// The endpoint without what may be a secret: user, password, query.
    pub(crate) fn shown_endpoint(&self) -> String {
        let scheme = self.endpoint.scheme_str().unwrap_or("http");
        let host = self.endpoint.host().unwrap_or_default();
        match self.endpoint.port_u16() {
            Some(port) => format!("{scheme}://{host}:{port}{}", self.endpoint.path()),
            None => format!("{scheme}://{host}{}", self.endpoint.path()),
        }
    }
}

#[cfg(test)]
mod tests;
