//! Durations as a person writes them: `30s`, `500ms`, `1h30m`.

use std::{fmt, time::Duration};

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// 100 years. Deadlines are made by adding to the clock, which must not overflow.
const LONGEST: u128 = 36_500 * 86_400 * NANOS_PER_SECOND;

/// Units from large to small, with their nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Why a text is not a duration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotADuration {
    Empty,
    Negative,
    Fraction,
    NoUnit(String),
    NoNumber(String),
    UnknownUnit(String),
    Order,
    TooLong,
}

/// A duration as [`parse`] reads it, in seconds where it is whole seconds.
pub(crate) struct Shown(pub(crate) Duration);

/// Reads a duration: whole numbers, each with a unit, from the largest unit to the smallest.
///
/// Units are `ns`, `us` (or `µs`), `ms`, `s`, `m`, `h` and `d`. There may be white space between the parts. A number
/// without a unit is refused, because nobody can tell what it counts. The longest duration is 36500d.
pub(crate) fn parse(text: &str) -> Result<Duration, NotADuration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(NotADuration::Empty);
    }
    if rest.starts_with('-') {
        return Err(NotADuration::Negative);
    }
    let mut total: u128 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let (digits, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after.trim_start(), |c| c.is_alphabetic());
        if digits.is_empty() {
            return Err(match rest.starts_with(['.', ',']) {
                true => NotADuration::Fraction,
                false => NotADuration::NoNumber(rest.to_owned()),
            });
        }
        if unit.is_empty() {
            return Err(match after.starts_with(['.', ',']) {
                true => NotADuration::Fraction,
                false => NotADuration::NoUnit(digits.to_owned()),
            });
        }
        let index = UNITS
            .iter()
            .position(|(name, _)| *name == unit || matches!((*name, unit), ("us", "µs" | "μs")))
            .ok_or_else(|| NotADuration::UnknownUnit(unit.to_owned()))?;
        if index < next_unit {
            return Err(NotADuration::Order);
        }
        next_unit = index + 1;
        let (_, nanos) = UNITS[index];
        total = digits
            .parse::<u128>()
            .ok()
            .and_then(|count| count.checked_mul(nanos))
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= LONGEST)
            .ok_or(NotADuration::TooLong)?;
        rest = after.trim_start();
    }
    let seconds = u64::try_from(total / NANOS_PER_SECOND).map_err(|_| NotADuration::TooLong)?;
    let nanos = u32::try_from(total % NANOS_PER_SECOND).expect("the rest is less than a second of nanos");
    Ok(Duration::new(seconds, nanos))
}

fn split(text: &str, belongs: fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

// === impl NotADuration ===

impl fmt::Display for NotADuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "it is empty"),
            Self::Negative => write!(f, "it is negative"),
            Self::Fraction => {
                write!(f, "it has a fraction: write `1h30m` for 1.5 hours, `1500ms` for 1.5 seconds")
            }
            Self::NoUnit(digits) => {
                write!(f, "`{digits}` has no unit: write `{digits}s` for seconds, `{digits}ms` for milliseconds")
            }
            Self::NoNumber(rest) => write!(f, "`{rest}` does not start with a number"),
            Self::UnknownUnit(unit) => {
                write!(f, "`{unit}` is not a unit: the units are d, h, m, s, ms, us, ns")
            }
            Self::Order => write!(f, "units go from large to small, each once, as in `1h30m`"),
            Self::TooLong => write!(f, "it is longer than `36500d`, which is the longest"),
        }
    }
}

// === impl Shown ===

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.subsec_nanos();
        let text = if nanos == 0 {
            format!("{}s", self.0.as_secs())
        } else if nanos.is_multiple_of(1_000_000) {
            format!("{}ms", self.0.as_millis())
        } else if nanos.is_multiple_of(1_000) {
            format!("{}us", self.0.as_micros())
        } else {
            format!("{}ns", self.0.as_nanos())
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_read() {
        for (text, expected) in [
            ("0s", Duration::ZERO),
            ("7ns", Duration::from_nanos(7)),
            ("7us", Duration::from_micros(7)),
            ("7µs", Duration::from_micros(7)),
            ("500ms", Duration::from_millis(500)),
            ("30s", Duration::from_secs(30)),
            ("2m", Duration::from_secs(120)),
            ("1h30m", Duration::from_secs(5400)),
            ("1h 30m", Duration::from_secs(5400)),
            (" 1 d ", Duration::from_secs(86_400)),
            ("1s500ms", Duration::from_millis(1500)),
            ("36500d", Duration::from_secs(36_500 * 86_400)),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_write() {
        for (text, expected) in [
            ("", "it is empty"),
            ("30", "`30` has no unit: write `30s` for seconds, `30ms` for milliseconds"),
            ("1m30", "`30` has no unit: write `30s` for seconds, `30ms` for milliseconds"),
            ("-5s", "it is negative"),
            ("1.5h", "it has a fraction: write `1h30m` for 1.5 hours, `1500ms` for 1.5 seconds"),
            (".5h", "it has a fraction: write `1h30m` for 1.5 hours, `1500ms` for 1.5 seconds"),
            ("soon", "`soon` does not start with a number"),
            ("30sec", "`sec` is not a unit: the units are d, h, m, s, ms, us, ns"),
            ("30S", "`S` is not a unit: the units are d, h, m, s, ms, us, ns"),
            ("30m1h", "units go from large to small, each once, as in `1h30m`"),
            ("1s1s", "units go from large to small, each once, as in `1h30m`"),
            ("36501d", "it is longer than `36500d`, which is the longest"),
            ("999999999999999999999999999999999999999999d", "it is longer than `36500d`, which is the longest"),
        ] {
            let refusal = parse(text).expect_err(text);
            assert_eq!(refusal.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn every_duration_is_read_back_as_it_is_shown() {
        let mut nanos: u128 = 1;
        while nanos < LONGEST {
            for nanos in [nanos, nanos / 1_000 * 1_000, nanos / 1_000_000_000 * 1_000_000_000] {
                let duration = Duration::new(
                    u64::try_from(nanos / NANOS_PER_SECOND).unwrap(),
                    u32::try_from(nanos % NANOS_PER_SECOND).unwrap(),
                );
                assert_eq!(parse(&Shown(duration).to_string()), Ok(duration));
            }
            nanos = nanos * 3 + 7;
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let pieces = ["", "1", "s", "ms", " ", "-", ".", "µ", "é", "\u{0}", "99999999999999999999"];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for d in pieces {
                        let _ = parse(&[a, b, c, d].concat());
                    }
                }
            }
        }
    }
}
