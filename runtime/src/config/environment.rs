//! The process's environment, read once.

use std::{ffi::OsStr, ffi::OsString, fmt};

use crate::sorted::Sorted;

/// The variables of a process as they were when it started, or any others, in a test.
///
/// ```
/// use seaworthy::config::Environment;
///
/// let environment: Environment = [("GREETING", "Hello"), ("EMPTY", "")].into_iter().collect();
/// assert_eq!(environment.text("GREETING"), Some("Hello"));
/// assert_eq!(environment.text("EMPTY"), None);
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    variables: Sorted<OsString>,
}

impl Environment {
    /// Reads the environment of this process. A variable whose name is not Unicode is left out.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
    }

    /// The text of a variable; an empty or malformed one counts as unset.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.to_str().filter(|text| !text.is_empty())
    }

    /// Whether a variable is set to something, be it Unicode or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Whether a variable is there, be it empty or not.
    pub(super) fn is_there(&self, name: &str) -> bool {
        self.variables.contains(name)
    }

    /// The value of a variable; an empty one counts as unset.
    pub(super) fn value(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The names of the variables that are set to something, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str())
    }
}

/// Shows the names alone: any value may be a secret.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.iter().map(|(name, _)| name)).finish()
    }
}

impl<K: Into<String>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let environment = Environment::from_iter([("PASSWORD", "hunter2")]);
        assert_eq!(format!("{environment:?}"), r#"{"PASSWORD"}"#);
    }

    #[test]
    fn an_empty_variable_is_unset() {
        let environment = Environment::from_iter([("A", ""), ("B", "b")]);
        assert!(!environment.has("A"));
        assert_eq!(environment.names().collect::<Vec<_>>(), ["B"]);
    }
}
