//! Durations as people write them, and as the runtime reads them from a variable.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// Units from large to small, with their nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// 100 years.
const LONGEST: Duration = Duration::from_secs(36_500 * 86_400);

/// Reads `"30s"`, `"500ms"` or `"1h30m"`: whole numbers, each with its unit, the larger unit first.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut nanos: u64 = 0;
    let mut rest = text.trim();
    let mut units = UNITS.iter();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        let (_, size) = units.find(|(name, _)| *name == unit)?;
        nanos = nanos.checked_add(number.parse::<u64>().ok()?.checked_mul(*size)?)?;
        rest = after.trim_start();
    }
    Some(Duration::from_nanos(nanos)).filter(|duration| *duration <= LONGEST)
}

/// Writes a duration as [`parse`] reads it.
pub(crate) fn show(duration: Duration) -> String {
    match duration.as_millis() {
        millis if !millis.is_multiple_of(1000) => format!("{millis}ms"),
        _ => format!("{}s", duration.as_secs()),
    }
}

/// The expression of a duration.
pub(crate) fn expression(duration: Duration) -> TokenStream {
    let seconds = Literal::u64_unsuffixed(duration.as_secs());
    match duration.subsec_nanos() {
        0 => quote!(::std::time::Duration::from_secs(#seconds)),
        nanos if nanos.is_multiple_of(1_000_000) => {
            let millis = Literal::u128_unsuffixed(duration.as_millis());
            quote!(::std::time::Duration::from_millis(#millis))
        }
        nanos => {
            let nanos = Literal::u32_unsuffixed(nanos);
            quote!(::std::time::Duration::new(#seconds, #nanos))
        }
    }
}

fn split(text: &str, first: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !first(c)).unwrap_or(text.len()))
}
