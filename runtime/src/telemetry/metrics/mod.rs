//! Metrics: what each is called and is for, and how they become what Prometheus reads.
//!
//! Everything goes through the `metrics` facade, so that a user's own stand beside these. The recorder behind it is our own,
//! in place of `metrics-exporter-prometheus`, which keeps each observation of a histogram until somebody sums it up, adds a
//! series for whatever a label is given, has no exemplars and no OpenMetrics, and brings 14 crates. Here:
//!
//! - a counter or gauge is an atomic, a histogram one a bucket and a sum ([`cells`]); recording never locks, waits or
//!   allocates, and there is no upkeep;
//! - a metric has 2000 series at most; what is beyond is recorded in one with `otel_metric_overflow="true"` ([`registry`]);
//! - a scrape reads the same atomics, and gets text or OpenMetrics with exemplars as it asks for ([`exposition`]);
//! - what the process and the runtime use is read by the scrape itself ([`process`], [`runtime`]).
//!
//! A counter is exposed with `_total` at its end whether or not it was named so; names and labels that Prometheus doesn't allow
//! become ones that it does. Where two metrics would then have one name, the second is not recorded, and a warning says so.
//!
//! A path of the runtime that is walked for each request keeps its handles: those of the facade for counters and gauges, and
//! [`Histogram`] where there may be exemplars.
//!
//! Without the feature `prometheus`, metrics go to the recorder that the user installs, if any.

#[cfg(feature = "prometheus")]
mod accept;
mod catalog;
#[cfg(feature = "prometheus")]
mod cells;
#[cfg(feature = "prometheus")]
mod exposition;
#[cfg(feature = "prometheus")]
mod family;
mod handle;
#[cfg(feature = "prometheus")]
mod names;
#[cfg(feature = "prometheus")]
mod process;
#[cfg(feature = "prometheus")]
mod recorder;
#[cfg(feature = "prometheus")]
mod registry;
#[cfg(feature = "prometheus")]
mod runtime;
#[cfg(all(feature = "postgres", feature = "prometheus"))]
mod scrape;
#[cfg(all(test, feature = "prometheus"))]
mod tests;
#[cfg(feature = "prometheus")]
mod trie;

use metrics::Label;
use tokio::runtime::Handle;

use super::resource::Resource;
use crate::About;

pub(crate) use self::handle::Histogram;

/// Installs the recorder, describes the metrics and sets those that don't change.
///
/// A warning where another recorder is installed already, which then has the metrics.
pub(super) fn install(about: &About, resource: &Resource) -> Option<String> {
    #[cfg(feature = "prometheus")]
    let warning = recorder::install().err();
    #[cfg(not(feature = "prometheus"))]
    let warning = None;
    catalog::describe();
    begin(about, resource);
    warning
}

/// The page for a scraper that sent this as `Accept`, and its content type. An error says why there is none.
pub(super) fn page(accept: Option<&str>) -> Result<(&'static str, String), &'static str> {
    #[cfg(feature = "prometheus")]
    return Ok(recorder::page(accept));
    #[cfg(not(feature = "prometheus"))]
    {
        let _format = accept;
        Err("metrics are not served: this build lacks the feature `prometheus` of seaworthy")
    }
}

/// Shows the use of this runtime, in place of the one before: in tests there are several in a process, and the last one counts.
pub(super) fn watch_runtime(runtime: &Handle) {
    #[cfg(feature = "prometheus")]
    recorder::watch_runtime(runtime);
    #[cfg(not(feature = "prometheus"))]
    let _unwatched = runtime;
}

/// Calls the function before each page, to set what is read only then, until it says that it is over.
///
/// A recorder that the user installed has its own pages: there it is called once, now.
#[cfg(feature = "postgres")]
pub(crate) fn at_scrape(read: impl Fn() -> bool + Send + 'static) {
    read();
    #[cfg(feature = "prometheus")]
    scrape::READERS.add(Box::new(read));
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
    let labels: Vec<_> = resource.iter().map(|(key, value)| Label::new(key.clone(), value.clone())).collect();
    metrics::gauge!("target_info", labels).set(1.0);
    for reason in ["queue_full", "write_error"] {
        metrics::counter!("seaworthy_logs_dropped_total", "reason" => reason).increment(0);
    }
}

#[cfg(all(test, not(feature = "prometheus")))]
mod without_the_feature {
    #[test]
    fn there_is_no_page_and_it_says_why() {
        assert!(super::page(None).is_err_and(|problem| problem.contains("`prometheus`")));
        let histogram = super::Histogram::new("x", Vec::new());
        histogram.record(1.0);
        histogram.record_with_exemplar(1.0, 1, 1, crate::telemetry::clock::Moment::now());
    }
}
