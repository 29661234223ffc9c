//! A map that only grows, and that is read and written by any number of threads without a lock.
//!
//! Two bits of the hash choose a branch at each node, so a lookup among 2000 entries passes some six. Entries never move and
//! are never removed: a reference to one is good for as long as the map is.

use std::sync::OnceLock;

/// See the module.
pub(super) struct Trie<K, V> {
    root: Branch<K, V>,
}

type Branch<K, V> = OnceLock<Box<Node<K, V>>>;

struct Node<K, V> {
    hash: u64,
    key: K,
    value: V,
    branches: [Branch<K, V>; 4],
}

// === impl Trie ===

impl<K, V> Trie<K, V> {
    pub(super) const fn new() -> Self {
        Self { root: OnceLock::new() }
    }

    /// Finds the entry with this hash of which `is` says that it is the one.
    pub(super) fn get(&self, hash: u64, is: impl Fn(&K) -> bool) -> Option<&V> {
        let mut place = &self.root;
        let mut path = mixed(hash);
        while let Some(node) = place.get() {
            if node.hash == hash && is(&node.key) {
                return Some(&node.value);
            }
            place = node.branch(&mut path);
        }
        None
    }

    /// Adds an entry and says that it is new, unless there is one with this key: then it finds that.
    pub(super) fn insert(&self, hash: u64, key: K, value: V) -> (&V, bool)
    where
        K: Eq,
    {
        let mut place = &self.root;
        let mut path = mixed(hash);
        let mut entry = Some((key, value));
        loop {
            let mut added = false;
            let node = place.get_or_init(|| {
                added = true;
                let (key, value) = entry.take().expect("an entry is added once");
                Box::new(Node { hash, key, value, branches: [const { OnceLock::new() }; 4] })
            });
            let found = added || node.hash == hash && entry.as_ref().is_some_and(|(key, _)| *key == node.key);
            if found {
                return (&node.value, added);
            }
            place = node.branch(&mut path);
        }
    }

    /// All entries that were there when it began, and perhaps later ones, in no order that means anything.
    pub(super) fn entries(&self) -> Vec<(&K, &V)> {
        let mut entries = Vec::new();
        let mut rest: Vec<_> = self.root.get().into_iter().collect();
        while let Some(node) = rest.pop() {
            entries.push((&node.key, &node.value));
            rest.extend(node.branches.iter().filter_map(OnceLock::get));
        }
        entries
    }
}

// === impl Node ===

impl<K, V> Node<K, V> {
    /// The branch that the path leads to. A path that is used up, which needs equal hashes, goes on with the first.
    fn branch(&self, path: &mut u64) -> &Branch<K, V> {
        let [first, second, third, fourth] = &self.branches;
        let turn = *path >> 62;
        *path <<= 2;
        match turn {
            0 => first,
            1 => second,
            2 => third,
            _ => fourth,
        }
    }
}

/// Carries what differs in the low bits of a hash to the high ones.
const fn mixed(hash: u64) -> u64 {
    hash.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn finds_what_was_added_whatever_the_hashes() {
        for same_hash in [false, true] {
            let hash = |key: u64| if same_hash { 7 } else { key };
            let map = Trie::new();
            for key in 0..500 {
                assert_eq!(map.insert(hash(key), key, key * 2), (&(key * 2), true));
                assert_eq!(map.insert(hash(key), key, 1), (&(key * 2), false));
            }
            for key in 0..500 {
                assert_eq!(map.get(hash(key), |found| *found == key), Some(&(key * 2)));
            }
            assert_eq!(map.get(hash(500), |found| *found == 500), None);
            let mut keys: Vec<_> = map.entries().into_iter().map(|(key, _)| *key).collect();
            keys.sort_unstable();
            assert!(keys.into_iter().eq(0..500));
        }
    }

    #[test]
    fn each_key_is_added_by_one_thread() {
        let map = Trie::new();
        let added: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..2000_u64).filter(|key| map.insert(*key, *key, ()).1).count()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(added, 2000);
        assert_eq!(map.entries().len(), 2000);
    }
}
