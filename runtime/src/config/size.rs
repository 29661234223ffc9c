//! Sizes as a person writes them: `2MiB`, `500kB`, `1048576`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};

/// By this name [`ByteSize`] announces itself to the deserializer of a variable's text.
pub(crate) const NAME: &str = "$seaworthy::ByteSize";

/// Units from large to small, with their bytes. The first of each pair is how [`ByteSize`] is shown.
const UNITS: [(&[&str], u64); 9] = [
    (&["TiB", "Ti"], 1 << 40),
    (&["TB", "T"], 1_000_000_000_000),
    (&["GiB", "Gi"], 1 << 30),
    (&["GB", "G"], 1_000_000_000),
    (&["MiB", "Mi"], 1 << 20),
    (&["MB", "M"], 1_000_000),
    (&["KiB", "Ki"], 1 << 10),
    (&["kB", "KB", "k"], 1_000),
    (&["B", ""], 1),
];

/// A number of bytes, for a field of a configuration: `2MiB`, `500kB`, `1048576`.
///
/// Read from text it is a whole number and a unit: `B`, `kB`, `MB`, `GB`, `TB` (powers of 1000), `KiB`, `MiB`, `GiB`,
/// `TiB` (powers of 1024), or Kubernetes' `k`, `M`, `G`, `T`, `Ki`, `Mi`, `Gi`, `Ti`. Without a unit it is bytes.
///
/// ```
/// use seaworthy::config::ByteSize;
///
/// assert_eq!("2MiB".parse::<ByteSize>()?, ByteSize::new(2 * 1024 * 1024));
/// assert_eq!(ByteSize::new(500_000).to_string(), "500kB");
/// # Ok::<(), seaworthy::config::NotASize>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// Why a text is not a [`ByteSize`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotASize {
    /// It does not start with a digit.
    #[error("it does not start with a number")]
    NoNumber,
    /// It has a decimal point.
    #[error("it has a fraction: write `1536MiB` for 1.5 GiB")]
    Fraction,
    /// Its unit is not known.
    #[error("`{0}` is not a unit: the units are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB")]
    UnknownUnit(String),
    /// It is 16 EiB or more.
    #[error("it is more bytes than a `u64` counts")]
    TooLarge,
}

// === impl ByteSize ===

impl ByteSize {
    /// A size of this many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        if unit.starts_with(['.', ',']) {
            return Err(NotASize::Fraction);
        }
        if digits.is_empty() {
            return Err(NotASize::NoNumber);
        }
        let unit = unit.trim();
        let (_, bytes) = UNITS
            .iter()
            .find(|(names, _)| names.contains(&unit))
            .ok_or_else(|| NotASize::UnknownUnit(unit.to_owned()))?;
        digits.parse::<u64>().ok().and_then(|count| count.checked_mul(*bytes)).map(Self).ok_or(NotASize::TooLarge)
    }
}

/// Shows the size in the largest unit of which it is a whole number.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (names, bytes) = UNITS
            .iter()
            .find(|(_, bytes)| self.0 >= *bytes && self.0.is_multiple_of(*bytes))
            .unwrap_or(&UNITS[UNITS.len() - 1]);
        f.pad(&format!("{}{}", self.0 / bytes, names[0]))
    }
}

impl From<u64> for ByteSize {
    fn from(bytes: u64) -> Self {
        Self(bytes)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("size, such as 2MiB")
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<ByteSize, D::Error> {
                deserializer.deserialize_any(self)
            }
        }

        deserializer.deserialize_newtype_struct(NAME, Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_read() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", 1 << 20),
            ("17B", 17),
            ("500kB", 500_000),
            ("500KB", 500_000),
            ("500k", 500_000),
            ("3MB", 3_000_000),
            ("3M", 3_000_000),
            ("2MiB", 2 << 20),
            ("2 MiB", 2 << 20),
            (" 2Mi ", 2 << 20),
            ("4GiB", 4 << 30),
            ("4GB", 4_000_000_000),
            ("1TiB", 1 << 40),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_write() {
        for (text, expected) in [
            ("", "it does not start with a number"),
            ("MiB", "it does not start with a number"),
            ("-1", "it does not start with a number"),
            ("1.5GiB", "it has a fraction: write `1536MiB` for 1.5 GiB"),
            ("2mb", "`mb` is not a unit: the units are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB"),
            ("2m", "`m` is not a unit: the units are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB"),
            ("18446744073709551616", "it is more bytes than a `u64` counts"),
            ("99999999TiB", "it is more bytes than a `u64` counts"),
        ] {
            let refusal = text.parse::<ByteSize>().expect_err(text);
            assert_eq!(refusal.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn every_size_is_read_back_as_it_is_shown() {
        let mut bytes: u64 = 0;
        while let Some(next) = bytes.checked_mul(3).and_then(|bytes| bytes.checked_add(5)) {
            for size in [bytes, bytes / 1000 * 1000, bytes / 1024 * 1024].map(ByteSize) {
                assert_eq!(size.to_string().parse(), Ok(size));
            }
            bytes = next;
        }
    }

    #[test]
    fn other_formats_read_it_as_a_number_or_text() {
        assert_eq!(serde_json::from_str::<ByteSize>("17").unwrap(), ByteSize(17));
        assert_eq!(serde_json::from_str::<ByteSize>("\"1kB\"").unwrap(), ByteSize(1000));
    }
}
