//! Metrics that resources set when somebody asks.

use std::sync::{Mutex, PoisonError};

pub(super) static READERS: Readers = Readers(Mutex::new(Vec::new()));

/// Functions that set metrics, each until it says that it is over.
pub(super) struct Readers(Mutex<Vec<Box<dyn Fn() -> bool + Send>>>);

// === impl Readers ===

impl Readers {
    pub(super) fn add(&self, read: Box<dyn Fn() -> bool + Send>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(read);
    }

    pub(super) fn call(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|read| read());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[test]
    fn each_is_called_until_it_is_over() {
        let readers = Readers(Mutex::default());
        let calls = Arc::new(AtomicU32::new(0));
        for lasts in [2, 3] {
            let calls = Arc::clone(&calls);
            let own = AtomicU32::new(0);
            readers.add(Box::new(move || {
                calls.fetch_add(1, Ordering::Relaxed);
                own.fetch_add(1, Ordering::Relaxed) + 1 < lasts
            }));
        }
        for expected in [2, 4, 5, 5] {
            readers.call();
            assert_eq!(calls.load(Ordering::Relaxed), expected);
        }
    }
}
