//! The metrics of the runtime: what each is called, what it is for, and the buckets of histograms.
//!
//! Names and labels follow OpenTelemetry's conventions, in the form that Prometheus gives them.

use metrics::Unit;

/// A metric of the runtime.
pub(super) struct Description {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
}

/// What a metric does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Every metric of the runtime. What a service never does has no series, but its meaning stands here.
pub(super) const METRICS: &[Description] = &[
    histogram(
        "http_server_request_duration_seconds",
        "How long requests took, from their headers to the end of the answer.",
    ),
    gauge("http_server_active_requests", "Requests that are being answered."),
    histogram("http_client_request_duration_seconds", "How long calls to others took, to the head of the answer."),
    gauge("http_client_active_requests", "Calls to others that wait for the head of the answer."),
    histogram("rpc_server_call_duration_seconds", "How long calls took, from their headers to the end of the answer."),
    histogram("db_client_operation_duration_seconds", "How long operations of the database took."),
    gauge("db_client_connection_count", "Connections of the pool, by what they do."),
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
    counter("seaworthy_idempotent_requests_total", "Requests with an idempotency key, by what they came to."),
    counter("seaworthy_rate_limit_unchecked_total", "How often the rate limit could not be checked."),
    gauge("seaworthy_lease_held", "1 while the process holds the lease."),
    gauge("build_info", "1, with what the service was built from."),
    gauge("target_info", "1, with the attributes of the process."),
    counter("process_cpu_seconds_total", "Processor time that the process used, in user and system mode."),
    gauge("process_open_fds", "Open file descriptors."),
    gauge("process_max_fds", "How many file descriptors may be open; +Inf where nothing limits it."),
    gauge("process_virtual_memory_bytes", "Size of the address space."),
    gauge("process_resident_memory_bytes", "Memory of the process that is in RAM."),
    gauge("process_start_time_seconds", "When the process started, since 1970."),
    gauge("process_threads", "Threads of the process."),
    gauge("tokio_workers", "Worker threads of the service's runtime."),
    gauge("tokio_alive_tasks", "Tasks of the service's runtime that have not ended."),
    gauge("tokio_global_queue_depth", "Tasks that wait for any worker thread of the service's runtime."),
    counter("tokio_worker_busy_seconds_total", "How long worker threads of the service's runtime ran tasks, together."),
    counter("tokio_worker_parks_total", "How often worker threads of the service's runtime had nothing to do."),
];

/// The buckets that the conventions advise for the duration of requests, in seconds.
#[cfg(feature = "prometheus")]
const REQUESTS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The buckets that the conventions advise for the duration of database operations, in seconds.
#[cfg(feature = "prometheus")]
const OPERATIONS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// The upper bounds of a histogram's buckets, in ascending order. Users' histograms have those of requests.
#[cfg(feature = "prometheus")]
pub(super) fn buckets(name: &str) -> &'static [f64] {
    match name {
        "db_client_operation_duration_seconds" => OPERATIONS,
        _ => REQUESTS,
    }
}

/// Says to the recorder what the metrics are for.
pub(super) fn describe() {
    for Description { name, kind, help } in METRICS {
        let unit = unit(name);
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, unit, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, unit, *help),
            Kind::Histogram => metrics::describe_histogram!(*name, unit, *help),
        }
    }
}

/// The unit that is part of a name.
fn unit(name: &str) -> Unit {
    let name = name.strip_suffix("_total").unwrap_or(name);
    match name.rsplit_once('_') {
        Some((_, "seconds")) => Unit::Seconds,
        Some((_, "bytes")) => Unit::Bytes,
        _ => Unit::Count,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract with those who have dashboards and alerts. A name that changes here breaks them.
    #[test]
    fn names_and_kinds() {
        use Kind::{Counter, Gauge, Histogram};
        let contract = [
            ("http_server_request_duration_seconds", Histogram),
            ("http_server_active_requests", Gauge),
            ("http_client_request_duration_seconds", Histogram),
            ("http_client_active_requests", Gauge),
            ("rpc_server_call_duration_seconds", Histogram),
            ("db_client_operation_duration_seconds", Histogram),
            ("db_client_connection_count", Gauge),
            ("seaworthy_lifecycle_state", Gauge),
            ("seaworthy_check_status", Gauge),
            ("seaworthy_check_duration_seconds", Histogram),
            ("seaworthy_requests_shed_total", Counter),
            ("seaworthy_requests_cut_total", Counter),
            ("seaworthy_panics_total", Counter),
            ("seaworthy_connections_refused_total", Counter),
            ("seaworthy_spans_dropped_total", Counter),
            ("seaworthy_spans_exported_total", Counter),
            ("seaworthy_logs_dropped_total", Counter),
            ("seaworthy_worker_restarts_total", Counter),
            ("seaworthy_worker_up", Gauge),
            ("seaworthy_idempotent_requests_total", Counter),
            ("seaworthy_rate_limit_unchecked_total", Counter),
            ("seaworthy_lease_held", Gauge),
            ("build_info", Gauge),
            ("target_info", Gauge),
            ("process_cpu_seconds_total", Counter),
            ("process_open_fds", Gauge),
            ("process_max_fds", Gauge),
            ("process_virtual_memory_bytes", Gauge),
            ("process_resident_memory_bytes", Gauge),
            ("process_start_time_seconds", Gauge),
            ("process_threads", Gauge),
            ("tokio_workers", Gauge),
            ("tokio_alive_tasks", Gauge),
            ("tokio_global_queue_depth", Gauge),
            ("tokio_worker_busy_seconds_total", Counter),
            ("tokio_worker_parks_total", Counter),
        ];
        let named: Vec<_> = METRICS.iter().map(|metric| (metric.name, metric.kind)).collect();
        assert_eq!(named, contract);
    }

    #[test]
    fn names_follow_the_conventions() {
        for metric in METRICS {
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.kind != Kind::Histogram || metric.name.ends_with("_seconds"), "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }

    #[test]
    #[cfg(feature = "prometheus")]
    fn buckets_of_each_histogram() {
        let requests = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
        for name in [
            "http_server_request_duration_seconds",
            "http_client_request_duration_seconds",
            "rpc_server_call_duration_seconds",
            "seaworthy_check_duration_seconds",
            "orders_size",
        ] {
            assert_eq!(buckets(name), requests, "{name}");
        }
        let operations = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
        assert_eq!(buckets("db_client_operation_duration_seconds"), operations);
    }
}
