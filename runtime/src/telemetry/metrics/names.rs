//! Names and labels as Prometheus allows them, whatever they were given as.

use std::hash::{DefaultHasher, Hash, Hasher};

use metrics::Label;

use super::catalog::Kind;

/// How long a name, or the value of a label, may be in bytes: either may come from clients.
pub(super) const LIMIT: usize = 1024;

/// The labels of a series, in the order of their names.
///
/// To Prometheus a label without a value is as good as none, so two of these are equal where the others are.
#[derive(Debug)]
pub(super) struct Labels(Box<[(Box<str>, Box<str>)]>);

/// The name of a metric: `[a-zA-Z_:][a-zA-Z0-9_:]*`, with `_` for what may not be in it.
pub(super) fn metric_name(given: &str) -> String {
    sanitized(given, |character| character == ':')
}

/// The name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`, with `_` for what may not be in it.
///
/// `__` at its beginning, which Prometheus keeps for itself, becomes one `_`.
pub(super) fn label_name(given: &str) -> String {
    let name = sanitized(given, |_| false);
    match name.strip_prefix("__") {
        Some(rest) => format!("_{}", rest.trim_start_matches('_')),
        None => name,
    }
}

fn sanitized(given: &str, also: impl Fn(char) -> bool) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || also(character);
    let mut name: String =
        given.chars().take(LIMIT).map(|character| if allowed(character) { character } else { '_' }).collect();
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

// === impl Labels ===

impl Labels {
    /// The labels of a metric of this kind, and whether all of them were short enough to stay whole.
    ///
    /// Of labels with one name the last one stays. `le` of a histogram becomes `le_`, since its buckets have that name.
    pub(super) fn new<'a>(given: impl Iterator<Item = &'a Label>, kind: Kind) -> (Self, bool) {
        let mut whole = true;
        let mut labels = Vec::<(Box<str>, Box<str>)>::new();
        for label in given {
            let mut name = label_name(label.key());
            if kind == Kind::Histogram && name == "le" {
                name.push('_');
            }
            let value = label.value();
            let end = value.floor_char_boundary(LIMIT);
            whole &= end == value.len() && label.key().len() <= LIMIT;
            let value = Box::from(&value[..end]);
            match labels.binary_search_by(|(other, _)| (**other).cmp(&name)) {
                Ok(at) => labels[at].1 = value,
                Err(at) => labels.insert(at, (name.into_boxed_str(), value)),
            }
        }
        (Self(labels.into()), whole)
    }

    /// Those of a series that is the only one of its metric.
    pub(super) fn none() -> Self {
        Self(Box::default())
    }

    /// Those of the series that stands for all that there is no room for.
    pub(super) fn overflow() -> Self {
        Self([("otel_metric_overflow".into(), "true".into())].into())
    }

    /// Names and values, in the order of the names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// A hash that equal labels share.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.identity().for_each(|label| label.hash(&mut hasher));
        hasher.finish()
    }

    fn identity(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(|(_, value)| !value.is_empty())
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.identity().eq(other.identity())
    }
}

impl Eq for Labels {}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(given: &[(&'static str, &'static str)], kind: Kind) -> Labels {
        let given: Vec<_> = given.iter().map(|(name, value)| Label::new(*name, *value)).collect();
        Labels::new(given.iter(), kind).0
    }

    #[test]
    fn names() {
        assert_eq!(metric_name("orders_created_total"), "orders_created_total");
        assert_eq!(metric_name("orders.created-total"), "orders_created_total");
        assert_eq!(metric_name("job:orders:rate5m"), "job:orders:rate5m");
        assert_eq!(metric_name("9 lives"), "_9_lives");
        assert_eq!(metric_name(""), "_");
        assert_eq!(label_name("service.instance.id"), "service_instance_id");
        assert_eq!(label_name("1-ü"), "_1__");
        assert_eq!(label_name("a:b"), "a_b");
        assert_eq!(label_name("__name__"), "_name__");
        assert_eq!(label_name("____"), "_");
        assert_eq!(label_name(""), "_");
    }

    #[test]
    fn labels_are_sorted_and_each_is_there_once() {
        let found = labels(&[("b", "1"), ("a.x", "2"), ("a_x", "3"), ("le", "4")], Kind::Histogram);
        assert!(found.iter().eq([("a_x", "3"), ("b", "1"), ("le_", "4")]));
        assert!(labels(&[("le", "4")], Kind::Gauge).iter().eq([("le", "4")]));
    }

    #[test]
    fn a_label_without_a_value_makes_no_difference() {
        let (with, without) = (labels(&[("a", ""), ("b", "1")], Kind::Gauge), labels(&[("b", "1")], Kind::Gauge));
        assert_eq!(with, without);
        assert_eq!(with.hash(), without.hash());
        assert_ne!(with, labels(&[("a", "1"), ("b", "1")], Kind::Gauge));
    }

    #[test]
    fn long_ones_are_cut_between_characters() {
        let label = Label::new("a", "ü".repeat(LIMIT) + "x");
        let (labels, whole) = Labels::new([&label].into_iter(), Kind::Gauge);
        assert!(!whole);
        assert_eq!(labels.iter().next(), Some(("a", "ü".repeat(LIMIT / 2).as_str())));
        assert!(!Labels::new([&Label::new("a".repeat(LIMIT + 1), "")].into_iter(), Kind::Gauge).1);
        assert_eq!(label_name(&"ü".repeat(5000)), "_");
        assert_eq!(label_name(&"a".repeat(5000)).len(), LIMIT);
        assert!(Labels::new([&Label::new("a", "x".repeat(LIMIT))].into_iter(), Kind::Gauge).1);
    }
}
