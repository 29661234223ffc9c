//! What is recorded into: a few atomics, shared by everyone who has a handle.
//!
//! Recording takes no lock, waits for nobody and allocates nothing. An observation is counted in its bucket and then forgotten,
//! so a histogram has one size whatever is recorded and whether or not anybody scrapes.

use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::telemetry::clock::Moment;

/// A count.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

/// A number that goes up and down.
#[derive(Default)]
pub(super) struct Gauge(AtomicU64);

/// How many observations there were, in buckets, and their sum.
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound and one for what is above all of them; not cumulative.
    counts: Box<[AtomicU64]>,
    sum: Gauge,
    /// The last of each bucket. Made with the first, since most histograms never have any.
    exemplars: OnceLock<Box<[Mutex<Option<Exemplar>>]>>,
}

/// An observation with the trace that it is from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exemplar {
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    pub(super) value: f64,
    pub(super) at: Moment,
}

/// A bucket as it was read.
#[derive(Debug)]
pub(super) struct Bucket {
    /// The upper bound, infinite for the last.
    pub(super) bound: f64,
    /// How many observations are in this bucket and in those before.
    pub(super) count: u64,
    pub(super) exemplar: Option<Exemplar>,
}

// === impl Counter ===

impl Counter {
    pub(super) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl metrics::CounterFn for Counter {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }
}

// === impl Gauge ===

impl Gauge {
    pub(super) fn value(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    pub(super) fn add(&self, value: f64) {
        let mut before = self.0.load(Ordering::Relaxed);
        loop {
            let after = (f64::from_bits(before) + value).to_bits();
            match self.0.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => before = now,
            }
        }
    }
}

impl metrics::GaugeFn for Gauge {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        self.set(value);
    }
}

// === impl Histogram ===

impl Histogram {
    /// An empty histogram with these upper bounds, which are in ascending order.
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: Gauge::default(),
            exemplars: OnceLock::new(),
        }
    }

    /// Counts an observation so many times. What is no number is not observed: it would make the sum none for ever.
    pub(super) fn observe(&self, value: f64, times: u64) {
        self.count(value, times);
    }

    /// Counts an observation and keeps it as the example of its bucket.
    pub(super) fn observe_exemplar(&self, exemplar: Exemplar) {
        let Some(bucket) = self.count(exemplar.value, 1) else { return };
        let exemplars = self.exemplars.get_or_init(|| self.counts.iter().map(|_| Mutex::new(None)).collect());
        // Any example is as good as another, so this one is dropped where somebody has the lock.
        if let Some(Ok(mut place)) = exemplars.get(bucket).map(Mutex::try_lock) {
            *place = Some(exemplar);
        }
    }

    /// Counts an observation in the bucket that it returns: that of the first bound which is not less.
    fn count(&self, value: f64, times: u64) -> Option<usize> {
        if value.is_nan() {
            return None;
        }
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts.get(bucket)?.fetch_add(times, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a sum is as exact as its type")]
        self.sum.add(if times == 1 { value } else { value * times as f64 });
        Some(bucket)
    }

    /// What the buckets hold, each with those before it. The last count is that of all observations.
    pub(super) fn buckets(&self) -> impl Iterator<Item = Bucket> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(&self.counts).enumerate().scan(0, |total, (index, (bound, count))| {
            *total += count.load(Ordering::Relaxed);
            Some(Bucket { bound, count: *total, exemplar: self.exemplar(index) })
        })
    }

    pub(super) fn sum(&self) -> f64 {
        self.sum.value()
    }

    fn exemplar(&self, bucket: usize) -> Option<Exemplar> {
        // Held by others for as long as a copy takes, and never waited for by who records.
        *self.exemplars.get()?.get(bucket)?.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl metrics::HistogramFn for Histogram {
    fn record(&self, value: f64) {
        self.observe(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.observe(value, u64::try_from(count).unwrap_or(u64::MAX));
    }
}
