//! One metric: what it is for, and its series.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use metrics::{Key, Unit};

use super::{
    catalog::{self, Kind},
    cells::{Counter, Gauge, Histogram},
    names::Labels,
    registry::{KEY_LIMIT, SERIES_LIMIT},
    trie::Trie,
};

/// A metric and its series.
pub(super) struct Family {
    /// As it is exposed, without the `_total` of counters.
    pub(super) name: String,
    pub(super) kind: Kind,
    description: Mutex<Description>,
    series: Trie<Labels, Cell>,
    count: AtomicUsize,
    keys: AtomicUsize,
}

/// What a metric is for.
#[derive(Clone, Default)]
pub(super) struct Description {
    /// Empty where nobody said.
    pub(super) help: String,
    pub(super) unit: Option<Unit>,
}

/// What a series is recorded into.
#[derive(Clone)]
pub(super) enum Cell {
    Counter(Arc<Counter>),
    Gauge(Arc<Gauge>),
    Histogram(Arc<Histogram>),
}

// === impl Family ===

impl Family {
    pub(super) const fn new(name: String, kind: Kind) -> Self {
        Self {
            name,
            kind,
            description: Mutex::new(Description { help: String::new(), unit: None }),
            series: Trie::new(),
            count: AtomicUsize::new(0),
            keys: AtomicUsize::new(0),
        }
    }

    /// Says what it is for, in place of what was said before.
    pub(super) fn describe(&self, unit: Option<Unit>, help: &str) {
        *self.description.lock().unwrap_or_else(PoisonError::into_inner) = Description { help: help.to_owned(), unit };
    }

    pub(super) fn description(&self) -> Description {
        self.description.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The series, in the order of their labels.
    pub(super) fn series(&self) -> Vec<(&Labels, &Cell)> {
        let mut series = self.series.entries();
        series.sort_unstable_by(|(one, _), (other, _)| one.iter().cmp(other.iter()));
        series
    }

    /// The series of a key, made where it is new and there is room: else the one that stands for the rest.
    ///
    /// Also says whether it may be found by this key from now on.
    pub(super) fn cell(&self, key: &Key) -> (Cell, bool) {
        let (labels, whole) = Labels::new(key.labels(), self.kind);
        let hash = labels.hash();
        if let Some(cell) = self.series.get(hash, |known| *known == labels) {
            return (cell.clone(), whole);
        }
        if !reserve(&self.count, SERIES_LIMIT) {
            return (self.only(Labels::overflow(), || self.empty()), false);
        }
        let (cell, new) = self.series.insert(hash, labels, self.empty());
        if !new {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        (cell.clone(), whole)
    }

    /// The series without labels, made by the function where it is new.
    pub(super) fn single(&self, make: impl FnOnce() -> Cell) -> Cell {
        self.only(Labels::none(), make)
    }

    /// A series that no limit applies to, since there is one such.
    fn only(&self, labels: Labels, make: impl FnOnce() -> Cell) -> Cell {
        let hash = labels.hash();
        match self.series.get(hash, |known| *known == labels) {
            Some(cell) => cell.clone(),
            None => self.series.insert(hash, labels, make()).0.clone(),
        }
    }

    /// Whether one more key may be kept.
    pub(super) fn reserve_key(&self) -> bool {
        reserve(&self.keys, KEY_LIMIT)
    }

    fn empty(&self) -> Cell {
        match self.kind {
            Kind::Counter => Cell::Counter(Arc::default()),
            Kind::Gauge => Cell::Gauge(Arc::default()),
            Kind::Histogram => Cell::Histogram(Arc::new(Histogram::new(catalog::buckets(&self.name)))),
        }
    }
}

/// Takes a place, if one is left.
fn reserve(taken: &AtomicUsize, limit: usize) -> bool {
    let more = |count| (count < limit).then_some(count + 1);
    taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}
