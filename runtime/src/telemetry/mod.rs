//! Logs, traces and metrics.
//!
//! A service uses `tracing` for its events and spans and `metrics` for its own metrics; what happens to them is decided
//! here and by the environment. Names follow OpenTelemetry's
//! [conventions](https://opentelemetry.io/docs/specs/semconv/).
//!
//! - **Logs**: one line an event on stdout, JSON unless stdout is a terminal or `LOG_FORMAT` says otherwise: `timestamp`,
//!   `level`, `target`, `message`, the event's fields, and `trace_id` and `span_id` within a request. `RUST_LOG` filters
//!   them by target, as in `info,my_service=debug`, and `PUT /log-level` on the admin address while the service runs. An
//!   event is one line whatever it holds, and writing it never waits: where stdout is not read, lines are dropped and counted.
//! - **Access lines**: a line of the target `seaworthy::access` for each request, which `RUST_LOG` filters too. Its
//!   `http.server.request.duration` is in seconds. `ACCESS_LOG` chooses `all`, `errors` (those with an `error.type`) or
//!   `off`.
//! - **Traces**: a span for each request, continued from and to others by W3C headers, and one for each `tracing` span of
//!   `INFO` and up, whatever `RUST_LOG` says. With `OTEL_EXPORTER_OTLP_ENDPOINT` they are sent to a collector, by a thread
//!   of their own. Without it there are ids all the same. Each variable `OTEL_EXPORTER_OTLP_*` has a form for traces,
//!   `OTEL_EXPORTER_OTLP_TRACES_*`, which comes before it; an endpoint in that form is used as it is, without `/v1/traces`.
//!   Collectors over `https://` need the feature `tls`; the files of certificates and keys are read again for each connection,
//!   so that they may be renewed.
//! - **Metrics**: in Prometheus' text format or in OpenMetrics on the admin address, with 2000 series a metric at most: what is
//!   beyond is counted in one with `otel_metric_overflow="true"`.
//!
//! In Kubernetes, a manifest gives the attributes of the pod by the downward API in `POD_NAMESPACE`, `POD_NAME`, `POD_UID`,
//! `POD_IP`, `NODE_NAME` and, as a plain value, `CONTAINER_NAME`; each may have `K8S_` before it.
// Filter, tracer and recorder belong to the process, so the first service that starts in one sets them up and later ones
// (there are some in tests) use them too.

mod attributes;
#[cfg(feature = "http-client")]
mod client;
mod clock;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod database;
#[cfg(feature = "otlp")]
mod export;
#[cfg(test)]
#[cfg(any(feature = "http-client", feature = "postgres", feature = "redis"))]
mod in_trace;
mod logs;
mod metrics;
mod propagation;
mod request;
mod resource;
mod route;
mod settings;
mod traces;
mod wire;

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use self::{
    logs::{Filter, Format, Logs, Writer},
    settings::OtelSettings,
    traces::{Sink, Tracing, stack},
};
use crate::{
    About,
    config::{Environment, Settings},
};

#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) use self::database::{Database, Operation};
#[cfg(all(test, any(feature = "http-client", feature = "postgres", feature = "redis")))]
pub(crate) use self::in_trace::in_trace;
#[cfg(feature = "postgres")]
pub(crate) use self::metrics::at_scrape;
pub use self::propagation::{TraceContext, inject_context};
#[cfg(feature = "testing")]
pub(crate) use self::traces::collected::want as keep_spans;
#[cfg(any(feature = "testing", all(test, any(feature = "http-client", feature = "postgres", feature = "redis"))))]
pub(crate) use self::traces::collected::{FinishedSpan, finished_spans};
pub(crate) use self::{
    attributes::PeerTelemetry,
    request::{Ending, Failure, ServerRequest},
    route::RouteTelemetry,
    traces::{Inside, OwnSpan, span::Encoded},
};
#[cfg(feature = "http-client")]
pub(crate) use self::{
    attributes::redacted as redacted_query,
    client::{ClientRequest, Failed, Peers},
};
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) use self::{traces::ids::random, wire::Value};

/// The variables that are read here, for `--help`: name, purpose, default.
pub(crate) const VARIABLES: &[(&str, &str, &str)] = &[
    ("RUST_LOG", "What is logged, such as `info,my_service=debug`", "info"),
    ("OTEL_SERVICE_NAME", "`service.name` of the telemetry", "the package's name"),
    ("OTEL_RESOURCE_ATTRIBUTES", "More attributes of the process: `key=value,key=value`", ""),
    ("OTEL_SDK_DISABLED", "Whether to record no traces", "false"),
    ("OTEL_PROPAGATORS", "How trace context travels: `tracecontext`, `baggage`, `none`", "tracecontext,baggage"),
    ("OTEL_TRACES_EXPORTER", "Where traces go: `otlp` or `none`", "otlp"),
    (
        "OTEL_TRACES_SAMPLER",
        "Which traces are kept: `always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`",
        "parentbased_always_on",
    ),
    ("OTEL_TRACES_SAMPLER_ARG", "The share of traces that `traceidratio` keeps, 0 to 1", "1"),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "The collector, such as `http://collector:4318`; without it nothing is exported",
        "",
    ),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "`http/protobuf` or `grpc`", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "Headers for the collector: `key=value,key=value`", ""),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "`gzip` or `none`", "none"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "How long the collector may take to answer, in milliseconds", "10000"),
    ("OTEL_EXPORTER_OTLP_INSECURE", "Whether a gRPC endpoint without a scheme is `http://`, not `https://`", "false"),
    #[cfg(feature = "tls")]
    (
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "The file of the certificates that a collector over https is trusted by",
        "those of the system",
    ),
    #[cfg(feature = "tls")]
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "The file of a certificate of ours, for collectors that ask for it", ""),
    #[cfg(feature = "tls")]
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "The file of its key", ""),
    ("OTEL_BSP_SCHEDULE_DELAY", "How long spans wait for others to go with, in milliseconds", "5000"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "How many spans may wait; more are dropped and counted", "2048"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "How many spans go at once", "512"),
    ("OTEL_BSP_EXPORT_TIMEOUT", "How long a batch is tried, in milliseconds", "30000"),
];

/// The running telemetry of a process: filter, log writer, exporter, metrics.
pub(crate) struct Telemetry {
    process: &'static Process,
}

/// What there is one of in a process.
struct Process {
    writer: Arc<Writer>,
    #[cfg(feature = "otlp")]
    exporter: Option<export::Exporter>,
}

static PROCESS: OnceLock<Process> = OnceLock::new();

// === impl Telemetry ===

impl Telemetry {
    /// Starts logs, traces and metrics. What can't be used of the `OTEL_*` variables is warned of.
    ///
    /// In a process where it was called before, only `ACCESS_LOG` is taken from the settings.
    pub(crate) fn start(about: &About, settings: &Settings, environment: &Environment) -> Self {
        request::set_access_log(settings.access_log);
        let warnings = Mutex::new(Vec::new());
        let process = PROCESS.get_or_init(|| {
            let (process, said) = Process::start(about, settings, environment);
            *warnings.lock().unwrap_or_else(PoisonError::into_inner) = said;
            process
        });
        for warning in warnings.into_inner().unwrap_or_else(PoisonError::into_inner) {
            tracing::warn!(target: "seaworthy::telemetry", "{warning}");
        }
        Self { process }
    }

    /// The metrics for a scraper that sent this as `Accept`, and their content type. An error says why there are none.
    ///
    /// Blocks for as long as it takes to read some files of `/proc` and to write all series.
    pub(crate) fn metrics(accept: Option<&str>) -> Result<(&'static str, String), &'static str> {
        metrics::page(accept)
    }

    /// Has this runtime in the metrics `tokio_*`, in place of the one before.
    pub(crate) fn watch_runtime(runtime: &Handle) {
        metrics::watch_runtime(runtime);
    }

    /// Changes the log filter; an error says what is wrong with the directives.
    pub(crate) fn set_filter(&self, directives: &str) -> Result<(), String> {
        let filter = logs::checked_filter(directives)?;
        let tracing =
            traces::installed().ok_or("another `tracing` subscriber is installed, which does not ask this filter")?;
        tracing.filter.replace(filter);
        Ok(())
    }

    /// Sends what is still here, waiting at most this long. Blocks; safe on any thread.
    pub(crate) fn flush(&self, within: Duration) {
        let deadline = Instant::now() + within;
        // Lines go last, for what the exporter has to say, and get a moment also where it takes all the time it has.
        #[cfg(feature = "otlp")]
        if let Some(exporter) = &self.process.exporter {
            exporter.flush(within - within / 20);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        self.process.writer.flush(left);
    }
}

// === impl Process ===

impl Process {
    fn start(about: &About, settings: &Settings, environment: &Environment) -> (Self, Vec<String>) {
        let (otel, mut warnings) = OtelSettings::read(environment);
        let (filter, said) = logs::initial_filter(environment.text("RUST_LOG"));
        warnings.extend(said);
        let resource = resource::resource(about, &otel, environment);
        warnings.extend(metrics::install(about, &resource));

        propagation::set_propagators(&otel.propagators);
        #[cfg(feature = "otlp")]
        let (exporter, queue) = match otel.exporter.map(|to| export::start(to, &resource)) {
            Some(Ok((exporter, queue, said))) => {
                warnings.extend(said);
                (Some(exporter), Some(queue))
            }
            Some(Err(error)) => {
                warnings.push(format!("no span is exported: {error}"));
                (None, None)
            }
            None => (None, None),
        };
        #[cfg(not(feature = "otlp"))]
        if otel.exporter.is_some() {
            warnings.push("no span is exported: this build lacks the feature `otlp` of seaworthy".into());
        }
        let sink = Sink {
            #[cfg(feature = "otlp")]
            queue,
        };

        let no_color = environment.text("NO_COLOR").is_some();
        let writer = Writer::to_stdout();
        let logs = Logs::new(Format::choose(settings.log_format, no_color), Arc::clone(&writer));
        if traces::install(Tracing::new(otel.sampler, sink, Filter::new(filter), logs)).is_err() {
            warnings.push(
                "another `tracing` subscriber is installed in this process: it gets the logs, and there are no traces"
                    .into(),
            );
        }
        let process = Self {
            writer,
            #[cfg(feature = "otlp")]
            exporter,
        };
        (process, warnings)
    }
}

/// The id of the trace that the current code runs in, as 32 hex digits.
///
/// The same that its log lines have as `trace_id`, whether or not the trace is kept. `None` outside a request.
pub fn trace_id() -> Option<String> {
    stack::current_ids().map(|ids| format!("{:032x}", ids.trace))
}
