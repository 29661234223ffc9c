//! Durations as people write them.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;

/// Reads `"30s"`, `"500ms"` or `"1h30m"`: whole numbers, each with its unit (`d`, `h`, `m`, `s`, `ms`).
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let unit = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(unit);
        let number: u64 = number.parse().ok()?;
        let next = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(next);
        let part = match unit.trim() {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            "d" => Duration::from_secs(number.checked_mul(86400)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = after;
    }
    Some(total)
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
    match u64::try_from(duration.as_millis()) {
        Ok(millis) if !millis.is_multiple_of(1000) => {
            quote!(::std::time::Duration::from_millis(#millis))
        }
        _ => {
            let seconds = duration.as_secs();
            quote!(::std::time::Duration::from_secs(#seconds))
        }
    }
}
