//! Handles for the runtime's own hot paths, to be kept next to what they are for.

use metrics::{Key, Label, Level, Metadata};

use crate::telemetry::clock::Moment;

#[cfg(feature = "prometheus")]
use std::sync::Arc;

#[cfg(feature = "prometheus")]
use super::cells;

/// A histogram that takes exemplars, which those of the facade don't.
///
/// Made once for each set of labels, since making it looks it up; recording is a few atomic instructions. Nothing is recorded
/// where no recorder is installed.
#[derive(Clone)]
pub(crate) struct Histogram(Inner);

#[derive(Clone)]
enum Inner {
    #[cfg(feature = "prometheus")]
    Own(Arc<cells::Histogram>),
    /// Of a recorder that the user installed, or of none.
    Other(metrics::Histogram),
}

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

// === impl Histogram ===

impl Histogram {
    /// Registers the histogram with this name and these labels.
    pub(crate) fn new(name: &'static str, labels: Vec<Label>) -> Self {
        let key = Key::from_parts(name, labels);
        #[cfg(feature = "prometheus")]
        if let Some(histogram) = super::recorder::own_histogram(&key) {
            return Self(Inner::Own(histogram));
        }
        Self(Inner::Other(metrics::with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))))
    }

    /// Counts an observation.
    pub(crate) fn record(&self, value: f64) {
        match &self.0 {
            #[cfg(feature = "prometheus")]
            Inner::Own(histogram) => histogram.observe(value, 1),
            Inner::Other(histogram) => histogram.record(value),
        }
    }

    /// Counts an observation and keeps it as the example of its bucket, with the ids of a trace that is sampled: one that
    /// isn't can't be looked at.
    pub(crate) fn record_with_exemplar(&self, value: f64, trace_id: u128, span_id: u64, at: Moment) {
        match &self.0 {
            #[cfg(feature = "prometheus")]
            Inner::Own(histogram) => histogram.observe_exemplar(cells::Exemplar { trace_id, span_id, value, at }),
            Inner::Other(histogram) => {
                let _exemplar = (trace_id, span_id, at);
                histogram.record(value);
            }
        }
    }
}
