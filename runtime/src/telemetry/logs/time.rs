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
    let [_, _, micros @ ..] = digits((since % NANOS / 1_000) as u32);
    if second == last {
        let mut time = [b'Z'; PREFIX + 7];
        time[..PREFIX].copy_from_slice(&prefix);
        time[PREFIX..][..6].copy_from_slice(&micros);
        return out.extend_from_slice(&time);
    }
    let start = out.len();
    write_second(out, second);
    // Years of five digits are not kept.
    if let Ok(prefix) = out[start..].try_into() {
        SECOND.set((second, prefix));
    }
    out.extend_from_slice(&micros);
    out.push(b'Z');
}

/// The eight digits of a number of at most so many, made all at once: halves, then quarters, then digits, a byte each.
pub(super) fn digits(number: u32) -> [u8; 8] {
    let number = u64::from(number);
    let x = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((x * 10_486) >> 20) & 0x7f_0000_007f;
    let x = hundreds | ((x - hundreds * 100) << 16);
    let tens = ((x * 103) >> 10) & 0x000f_000f_000f_000f;
    let x = tens | ((x - tens * 10) << 8);
    (x + 0x3030_3030_3030_3030).to_le_bytes()
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
    fn all_digits() {
        for number in (0..10_000).flat_map(|n| [n, n * 10_000, n * 10_000 + 9_999, 99_999_999 - n, n * 7_919]) {
            assert_eq!(str::from_utf8(&digits(number)), Ok(&*format!("{number:08}")));
        }
    }

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
