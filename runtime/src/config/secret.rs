//! Values that are never shown.

use std::fmt;

/// A value that is never shown.
pub struct Secret<T> {
    value: T,
}

impl<T> Secret<T> {
    /// The value itself.
    pub fn expose(&self) -> &T {
        &self.value
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
