//! Variables that are set and that nothing reads, because their name is misspelt.

use std::fmt;

use super::{Environment, links, table::Table};

/// What every process finds in its environment, and what is read elsewhere.
const EVERYWHERE: [&str; 22] = [
    "COLUMNS", "DISPLAY", "EDITOR", "HOME", "HOST", "HOSTNAME", "LANG", "LANGUAGE", "LINES", "LOGNAME", "MAIL",
    "OLDPWD", "PATH", "PS1", "PWD", "RUST_LOG", "SHELL", "SHLVL", "TERM", "TMPDIR", "TZ", "USER",
];

/// A variable that is set, and that nothing reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    pub(super) name: String,
    /// The variable that was probably meant, which is not set.
    pub(super) meant: Option<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is set, but nothing reads it", self.name)?;
        match &self.meant {
            Some(meant) => write!(f, ": did you mean `{meant}`?"),
            None => write!(f, "; `--help` shows every variable"),
        }
    }
}

/// Finds the variables that begin with a prefix of the configuration and are not in the table, and those that are
/// nearly called like one that is not set.
pub(super) fn find(table: &Table, environment: &Environment) -> Vec<Unknown> {
    let mut known = Vec::new();
    let mut unset = Vec::new();
    for row in &table.rows {
        let file = table.file_variable(row);
        let is_set = environment.has(&row.name) || file.as_deref().is_some_and(|file| environment.has(file));
        for name in [Some(row.name.clone()), file].into_iter().flatten() {
            if !is_set {
                unset.push(name.clone());
            }
            known.push(name);
        }
    }
    environment
        .names()
        .filter(|name| {
            !known.iter().any(|known| known == name) && !EVERYWHERE.contains(name) && !name.starts_with("OTEL_")
        })
        .filter(|name| links::service_of(name, environment.text(name).unwrap_or_default()).is_none())
        .filter_map(|name| {
            let meant = nearest(name, unset.iter().map(String::as_str));
            let prefixed = table.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
            (prefixed || meant.is_some()).then(|| Unknown { name: name.to_owned(), meant: meant.map(str::to_owned) })
        })
        .collect()
}

/// The name that is nearly `name`, if one is: with up to a quarter of its letters wrong, and at most three.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .filter_map(|other| {
            let limit = (other.len() / 4).min(3);
            // Nearly all are told apart by this, which is at every start asked of every pair of names.
            if least_distance(name, other) > limit {
                return None;
            }
            let distance = distance(&name.to_ascii_uppercase(), &other.to_ascii_uppercase());
            (distance <= limit).then_some((distance, other))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// No more than the distance: one mistake changes how long a name is by one, and how often two letters are in it.
fn least_distance(a: &str, b: &str) -> usize {
    let longer = a.len().abs_diff(b.len());
    if longer > 3 {
        return longer;
    }
    let mut counts = [0_i8; 32];
    let mut count = |text: &str, by: i8| {
        for byte in text.bytes() {
            // Upper and lower case have one place.
            let count = &mut counts[usize::from(byte & 31)];
            *count = count.wrapping_add(by);
        }
    };
    count(a, 1);
    count(b, -1);
    let changed: usize = counts.iter().map(|count| usize::from(count.unsigned_abs())).sum();
    longer.max(changed.div_ceil(2))
}

/// How many letters are to insert, delete, replace or swap with their neighbour (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_single_mistakes() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "AB", 2),
            ("AB", "", 2),
            ("HTTP_ADDR", "HTTP_ADDR", 0),
            ("HTTP_ADRR", "HTTP_ADDR", 1),
            ("HTTP_ADR", "HTTP_ADDR", 1),
            ("HTTP_ADDDR", "HTTP_ADDR", 1),
            ("HTPT_ADDR", "HTTP_ADDR", 1),
            ("KITTEN", "SITTING", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
            assert!(least_distance(a, b) <= expected, "{a} {b}");
        }
    }

    #[test]
    fn only_what_is_near_is_meant() {
        let names = ["PORT", "HTTP_ADDR", "DRAIN_TIMEOUT"];
        for (name, expected) in [
            ("http_addr", Some("HTTP_ADDR")),
            ("HTTP_ADRR", Some("HTTP_ADDR")),
            ("DRAINTIMEOUT", Some("DRAIN_TIMEOUT")),
            ("POTR", Some("PORT")),
            ("PO", None),
            ("HTTP_PROXY", None),
            ("XDG_SEAT", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names.into_iter()), expected, "{name}");
        }
    }
}
