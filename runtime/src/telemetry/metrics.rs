//! Metrics: what each is called and is for, and how they become Prometheus' text.
//!
//! Everything goes through the `metrics` facade, so that a user's own stand beside these. The recorder keeps each
//! observation of a histogram until it is summed up; a thread does so every few seconds, whether anybody scrapes or not.

use super::resource::Resource;
use crate::About;

/// A metric of the runtime.
struct Description {
    name: &'static str,
    kind: Kind,
    help: &'static str,
}

enum Kind {
    Counter,
    Gauge,
    Histogram,
}

const fn counter(name: &'static str, help: &'static str) -> Description {
    Description { name, kind: Kind::Counter, help }
}

const fn gauge(name: &'static str, help: &'static str) -> Description {
    Description { name, kind: Kind::Gauge, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Description {
    Description { name, kind: Kind::Histogram, help }
}

/// Every metric of the runtime. What a service never does has no series, but its meaning stands here.
const METRICS: &[Description] = &[
    histogram(
        "http_server_request_duration_seconds",
        "How long requests took, from their headers to the end of the answer.",
    ),
    gauge("http_server_active_requests", "Requests that are being answered."),
    gauge("seaworthy_lifecycle_state", "1 for the state that the service is in, 0 for the others."),
    gauge("seaworthy_check_status", "1 where the check passed when it last ran, 0 where it failed."),
    histogram("seaworthy_check_duration_seconds", "How long runs of the check took."),
    counter("seaworthy_requests_shed_total", "Requests refused because there were too many."),
    counter("seaworthy_requests_cut_total", "Requests cut at the deadline of the drain."),
    counter("seaworthy_panics_total", "Panics of handlers."),
    counter("seaworthy_connections_refused_total", "Connections closed because they could not be served."),
    counter("seaworthy_spans_dropped_total", "Spans that did not reach the collector."),
    counter("seaworthy_spans_exported_total", "Spans that the collector accepted."),
    counter("seaworthy_logs_dropped_total", "Log lines that could not be written."),
    counter("seaworthy_worker_restarts_total", "How often the worker was started again."),
    gauge("seaworthy_worker_up", "1 while the worker runs."),
    gauge("build_info", "1, with what the service was built from."),
    gauge("target_info", "1, with the attributes of the process."),
];

/// Buckets of histograms, in seconds: those that the conventions advise for HTTP.
#[cfg(feature = "prometheus")]
const BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Says to the recorder what the metrics are for.
fn describe() {
    for Description { name, kind, help } in METRICS {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, *help),
            Kind::Histogram => metrics::describe_histogram!(*name, *help),
        }
    }
}

/// Sets what does not change while the process runs, and the counters whose 0 is worth reading.
fn begin(about: &About, resource: &Resource) {
    let revision = resource.get("vcs.ref.head.revision").cloned().unwrap_or_default();
    metrics::gauge!(
        "build_info",
        "version" => about.version,
        "revision" => revision,
        "rustc" => env!("SEAWORTHY_RUSTC"),
    )
    .set(1.0);
    let mut labels: Vec<_> =
        resource.iter().map(|(key, value)| metrics::Label::new(label_name(key), value.clone())).collect();
    labels.sort();
    labels.dedup_by(|one, other| one.key() == other.key());
    metrics::gauge!("target_info", labels).set(1.0);
    for reason in ["queue_full", "write_error"] {
        metrics::counter!("seaworthy_logs_dropped_total", "reason" => reason).increment(0);
    }
}

/// The name of a label for an attribute: what Prometheus doesn't allow becomes `_`.
fn label_name(attribute: &str) -> String {
    let mut name: String =
        attribute.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '_' }).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

/// The recorder of this process.
#[cfg(feature = "prometheus")]
pub(crate) struct Recorder {
    handle: metrics_exporter_prometheus::PrometheusHandle,
}

#[cfg(feature = "prometheus")]
impl Recorder {
    /// How often observations are summed up.
    const UPKEEP: std::time::Duration = std::time::Duration::from_secs(2);

    /// Installs the recorder. A warning where another one is installed already, which then has the metrics.
    pub(crate) fn install(about: &About, resource: &Resource) -> (Self, Option<String>) {
        let builder = metrics_exporter_prometheus::PrometheusBuilder::new();
        // Refused are only empty buckets, which these are not.
        let recorder = builder.set_buckets(BUCKETS).unwrap_or_default().build_recorder();
        let handle = recorder.handle();
        let warning = metrics::set_global_recorder(recorder)
            .err()
            .map(|_| "another recorder of metrics is installed in this process: `/metrics` stays empty".to_owned());
        describe();
        begin(about, resource);
        let upkeep = handle.clone();
        let thread = std::thread::Builder::new().name("seaworthy-metrics".into()).spawn(move || {
            loop {
                std::thread::sleep(Self::UPKEEP);
                upkeep.run_upkeep();
            }
        });
        let warning =
            warning.or_else(|| thread.err().map(|error| format!("metrics are summed up by scrapes alone: {error}")));
        (Self { handle }, warning)
    }

    /// The metrics as text.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }
}

/// Without the feature, metrics go to the recorder that the user installs, if any.
#[cfg(not(feature = "prometheus"))]
pub(crate) struct Recorder;

#[cfg(not(feature = "prometheus"))]
impl Recorder {
    pub(crate) fn install(about: &About, resource: &Resource) -> (Self, Option<String>) {
        describe();
        begin(about, resource);
        (Self, None)
    }

    pub(crate) fn render(&self) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_names() {
        assert_eq!(label_name("service.instance.id"), "service_instance_id");
        assert_eq!(label_name("1-ü"), "_1__");
    }

    #[test]
    fn names_follow_the_conventions() {
        for metric in METRICS {
            let counts = matches!(metric.kind, Kind::Counter);
            assert_eq!(metric.name.ends_with("_total"), counts, "{}", metric.name);
            let observes = matches!(metric.kind, Kind::Histogram);
            assert_eq!(metric.name.ends_with("_seconds"), observes, "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}
