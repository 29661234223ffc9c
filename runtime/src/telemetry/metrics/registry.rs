//! All metrics of a process: from what a user says to what is recorded into.
//!
//! `metrics::counter!("orders_created_total")` asks for its counter each time that it runs, so this is on the path of recording
//! where a user doesn't keep the handle. A known series is found by its key in a [`Trie`]; only a new one costs more, and only
//! the first series of a new metric takes a lock.
//!
//! Memory has a bound, whatever is recorded: [`SERIES_LIMIT`] series a metric, then the one that stands for the rest;
//! [`KEY_LIMIT`] keys a metric, by which series are found at once; [`METRIC_LIMIT`] metrics, then nothing. A name or a value of
//! a label that is longer than [`names::LIMIT`] is cut, and a metric with a longer name is not recorded.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use metrics::{Key, KeyName, Metadata, SharedString, Unit};

use super::{
    catalog::Kind,
    cells::{Counter, Gauge, Histogram},
    family::{Cell, Family},
    names,
    trie::Trie,
};
use crate::sorted::Sorted;

/// How many series a metric has at most, apart from the one for what is beyond.
pub(super) const SERIES_LIMIT: usize = 2000;
/// How many keys of a metric are known: one series has several where labels come in different orders or are sanitized.
pub(super) const KEY_LIMIT: usize = 2 * SERIES_LIMIT;
/// How many metrics there are at most.
pub(super) const METRIC_LIMIT: usize = 2000;

/// All metrics of a process.
pub(super) struct Registry {
    counters: Trie<Key, Arc<Counter>>,
    gauges: Trie<Key, Arc<Gauge>>,
    histograms: Trie<Key, Arc<Histogram>>,
    /// Metrics by kind and by the name that they were given; none, where another metric has that name.
    families: Trie<(Kind, String), Option<Arc<Family>>>,
    given_names: AtomicUsize,
    /// Metrics by each name that they have when they are exposed, of themselves and of their samples.
    exposed: Mutex<Sorted<Arc<Family>>>,
}

// === impl Registry ===

impl Registry {
    pub(super) const fn new() -> Self {
        Self {
            counters: Trie::new(),
            gauges: Trie::new(),
            histograms: Trie::new(),
            families: Trie::new(),
            given_names: AtomicUsize::new(0),
            exposed: Mutex::new(Sorted::new()),
        }
    }

    /// The metrics, by name.
    pub(super) fn families(&self) -> Vec<&Family> {
        let mut families: Vec<_> =
            self.families.entries().into_iter().filter_map(|(_, family)| family.as_deref()).collect();
        families.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        // One metric may have been given several names.
        families.dedup_by(|one, other| one.name == other.name);
        families
    }

    /// The counter of this key. `None` where something else has its name.
    fn counter(&self, key: &Key) -> Option<Arc<Counter>> {
        let of = |cell| if let Cell::Counter(counter) = cell { Some(counter) } else { None };
        self.known_or_new(&self.counters, Kind::Counter, key, of)
    }

    /// The gauge of this key. `None` where something else has its name.
    fn gauge(&self, key: &Key) -> Option<Arc<Gauge>> {
        let of = |cell| if let Cell::Gauge(gauge) = cell { Some(gauge) } else { None };
        self.known_or_new(&self.gauges, Kind::Gauge, key, of)
    }

    /// The histogram of this key. `None` where something else has its name.
    pub(super) fn histogram(&self, key: &Key) -> Option<Arc<Histogram>> {
        let of = |cell| if let Cell::Histogram(histogram) = cell { Some(histogram) } else { None };
        self.known_or_new(&self.histograms, Kind::Histogram, key, of)
    }

    /// Sets a metric without labels to what was read elsewhere. A counter is set so too, unlike the facade's not to an integer.
    pub(super) fn set(&self, kind: Kind, name: &str, value: f64) {
        let cell = self.family(kind, name).map(|family| family.single(|| Cell::Gauge(Arc::new(Gauge::default()))));
        if let Some(Cell::Gauge(gauge)) = cell {
            gauge.set(value);
        }
    }

    /// How many keys of counters and of gauges are kept.
    #[cfg(test)]
    pub(super) fn known_keys(&self) -> (usize, usize) {
        (self.counters.entries().len(), self.gauges.entries().len())
    }

    /// What this key is recorded into, remembered for the next time unless there are too many.
    fn known_or_new<C>(
        &self,
        known: &Trie<Key, Arc<C>>,
        kind: Kind,
        key: &Key,
        of: impl Fn(Cell) -> Option<Arc<C>>,
    ) -> Option<Arc<C>> {
        if let Some(cell) = known.get(key.get_hash(), |known| known == key) {
            return Some(Arc::clone(cell));
        }
        let family = self.family(kind, key.name())?;
        let (cell, keep) = family.cell(key);
        let cell = of(cell)?;
        if keep && family.reserve_key() {
            known.insert(key.get_hash(), key.to_retained(), Arc::clone(&cell));
        }
        Some(cell)
    }

    /// The metric that was given this name.
    fn family(&self, kind: Kind, given: &str) -> Option<&Arc<Family>> {
        let hash = hash((kind, given));
        let is = |(its_kind, name): &(Kind, String)| *its_kind == kind && name == given;
        if let Some(family) = self.families.get(hash, is) {
            return family.as_ref();
        }
        if given.len() > names::LIMIT {
            return None;
        }
        let room = |count| (count < METRIC_LIMIT).then_some(count + 1);
        if self.given_names.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            return None;
        }
        let family = self.expose(kind, given);
        let refused = family.is_none();
        let (family, new) = self.families.insert(hash, (kind, given.to_owned()), family);
        if !new {
            self.given_names.fetch_sub(1, Ordering::Relaxed);
        } else if refused {
            tracing::warn!(
                target: "seaworthy::telemetry",
                "the {kind:?} `{given}` is not recorded: another metric, or a sample of one, has its name",
            );
        }
        family.as_ref()
    }

    /// Makes the metric with this name, or finds it; `None` where another one has the name or that of a sample.
    fn expose(&self, kind: Kind, given: &str) -> Option<Arc<Family>> {
        let name = names::metric_name(given);
        // The suffix belongs to the samples of counters: each has it, whether or not it was given.
        let name = match name.strip_suffix("_total") {
            Some(base) if kind == Kind::Counter && !base.is_empty() => base.to_owned(),
            _ => name,
        };
        let suffixes: &[&str] = match kind {
            Kind::Counter => &["", "_total", "_created"],
            Kind::Gauge => &[""],
            Kind::Histogram => &["", "_bucket", "_count", "_sum", "_created"],
        };
        let mut exposed = self.exposed.lock().unwrap_or_else(PoisonError::into_inner);
        let samples: Vec<_> = suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect();
        if let Some(family) = exposed.get(&name).filter(|family| family.name == name && family.kind == kind) {
            return Some(Arc::clone(family));
        }
        if samples.iter().any(|sample| exposed.contains(sample)) {
            return None;
        }
        let family = Arc::new(Family::new(name, kind));
        exposed.extend(samples.into_iter().map(|sample| (sample, Arc::clone(&family))));
        Some(family)
    }

    fn describe(&self, kind: Kind, name: &KeyName, unit: Option<Unit>, help: &SharedString) {
        if let Some(family) = self.family(kind, name.as_str()) {
            family.describe(unit, help);
        }
    }
}

impl metrics::Recorder for Registry {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(Kind::Counter, &name, unit, &help);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(Kind::Gauge, &name, unit, &help);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(Kind::Histogram, &name, unit, &help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> metrics::Counter {
        self.counter(key).map_or_else(metrics::Counter::noop, metrics::Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> metrics::Gauge {
        self.gauge(key).map_or_else(metrics::Gauge::noop, metrics::Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        self.histogram(key).map_or_else(metrics::Histogram::noop, metrics::Histogram::from_arc)
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
