//! A map of a few texts, as a list: `BTreeMap` is large, and compiled anew for each kind of value.

use std::{iter, slice, vec};

/// Values by their names, in the order of those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sorted<V> {
    entries: Vec<(String, V)>,
}

// === impl Sorted ===

impl<V> Sorted<V> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.place(name).ok().map(|at| &self.entries[at].1)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// Sets the value of a name.
    pub(crate) fn insert(&mut self, name: String, value: V) {
        match self.place(&name) {
            Ok(at) => self.entries[at].1 = value,
            Err(at) => self.entries.insert(at, (name, value)),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<V> {
        self.place(name).ok().map(|at| self.entries.remove(at).1)
    }

    pub(crate) fn iter(&self) -> slice::Iter<'_, (String, V)> {
        self.entries.iter()
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|(other, _)| other.as_str().cmp(name))
    }
}

impl<V> Default for Sorted<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> Extend<(String, V)> for Sorted<V> {
    fn extend<I: IntoIterator<Item = (String, V)>>(&mut self, entries: I) {
        for (name, value) in entries {
            self.insert(name, value);
        }
    }
}

impl<V> FromIterator<(String, V)> for Sorted<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(entries: I) -> Self {
        let mut sorted = Self::new();
        sorted.extend(entries);
        sorted
    }
}

impl<V> IntoIterator for Sorted<V> {
    type Item = (String, V);
    type IntoIter = vec::IntoIter<(String, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a, V> IntoIterator for &'a Sorted<V> {
    type Item = (&'a String, &'a V);
    type IntoIter = iter::Map<slice::Iter<'a, (String, V)>, fn(&'a (String, V)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter().map(|(name, value)| (name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_name_stays_and_names_are_in_order() {
        let named = |name: &str, value: u8| (name.to_owned(), value);
        let mut sorted = Sorted::from_iter([named("b", 1), named("c", 2), named("a", 3), named("b", 4)]);
        assert_eq!(sorted.clone().into_iter().collect::<Vec<_>>(), [named("a", 3), named("b", 4), named("c", 2)]);
        assert_eq!((sorted.get("b"), sorted.get("d"), sorted.contains("c")), (Some(&4), None, true));
        assert_eq!((sorted.remove("b"), sorted.remove("b"), sorted.contains("b")), (Some(4), None, false));
    }
}
