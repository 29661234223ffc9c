//! What can be measured on its own.

use std::{fmt, str::FromStr};

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Allocations,
    Build,
    Crates,
    Instructions,
    Latency,
    Memory,
    Resources,
    Size,
    Start,
    Throughput,
}

impl Part {
    pub(crate) const ALL: [Self; 10] = [
        Self::Allocations,
        Self::Build,
        Self::Crates,
        Self::Instructions,
        Self::Latency,
        Self::Memory,
        Self::Resources,
        Self::Size,
        Self::Start,
        Self::Throughput,
    ];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|part| part.to_string().eq_ignore_ascii_case(name))
            .ok_or_else(|| format!("no part is named `{name}`"))
    }
}
