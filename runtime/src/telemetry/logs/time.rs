//! The time on a line.

use std::{cell::Cell, io::Write as _};

/// `2026-11-03T08:00:00.`
const PREFIX: usize = 20;

/// Nanoseconds in a second.
pub(super) const NANOS: u64 = 1_000_000_000;

thread_local! {
    /// The second that this thread wrote last, since 1970, and what stands for it.
    static SECOND: Cell<(u64, [u8; PREFIX])> = const { Cell::new((u64::MAX, [0; PREFIX])) };
}

/// RFC 3339 in UTC with microseconds: `2026-11-03T08:00:00.000001Z`, of the nanoseconds since 1970.
pub(super) fn write_time(out: &mut Vec<u8>, since: u64) {
    let second = since / NANOS;
    let (last, prefix) = SECOND.get();
    if second == last {
        out.extend_from_slice(&prefix);
    } else {
        let start = out.len();
        write_second(out, second);
        // Years of five digits are not kept.
        if let Ok(prefix) = out[start..].try_into() {
            SECOND.set((second, prefix));
        }
    }
    write_digits::<6>(out, (since % NANOS / 1_000) as u32);
    out.push(b'Z');
}

/// Writes so many digits of a number, two at a time.
pub(super) fn write_digits<const N: usize>(out: &mut Vec<u8>, mut number: u32) {
    static PAIRS: [[u8; 2]; 100] = {
        let mut pairs = [[0; 2]; 100];
        let mut number = 0;
        while number < 100 {
            pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
            number += 1;
        }
        pairs
    };
    let mut digits = [0; N];
    let mut pairs = digits.rchunks_exact_mut(2);
    for pair in &mut pairs {
        pair.copy_from_slice(&PAIRS[(number % 100) as usize]);
        number /= 100;
    }
    if let [first] = pairs.into_remainder() {
        *first = b'0' + (number % 10) as u8;
    }
    out.extend_from_slice(&digits);
}

fn write_second(out: &mut Vec<u8>, since: u64) {
    let (days, second) = (since / 86_400, since % 86_400);
    // Days to a civil date, after Howard Hinnant: eras of 400 years that begin in March.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    _ = write!(out, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.", second / 3_600, second / 60 % 60, second % 60,);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (seconds, micros, expected) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000001Z"),
            (951_868_799, 999_999, "2000-02-29T23:59:59.999999Z"),
            (1_709_164_800, 0, "2024-02-29T00:00:00.000000Z"),
            (1_735_689_599, 0, "2024-12-31T23:59:59.000000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
        ] {
            let mut out = Vec::new();
            let time = seconds * NANOS + micros * 1_000;
            write_time(&mut out, time);
            assert_eq!(String::from_utf8_lossy(&out), expected);
            out.clear();
            write_time(&mut out, time);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
