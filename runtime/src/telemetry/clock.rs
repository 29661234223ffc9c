//! One reading of the clock for all that is made of a moment: the span's time, the metric's and the line's.
//!
//! Times are nanoseconds in one number, as OTLP counts them until the year 2554: what the standard library has in two numbers
//! costs more to subtract than to read.

use std::{
    cell::Cell,
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long a thread goes by its reading of the wall clock, which may be set meanwhile.
const TRUSTED: u64 = 1_000_000_000;

/// What all threads count from.
static ORIGIN: OnceLock<Instant> = OnceLock::new();

thread_local! {
    static ANCHOR: Cell<Option<(Instant, Moment)>> = const { Cell::new(None) };
}

/// A moment, on the clock that only goes forward and on the one on the wall.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    steady: u64,
    /// Since 1970.
    unix: u64,
}

// === impl Moment ===

impl Moment {
    pub(crate) fn now() -> Self {
        let instant = Instant::now();
        if let Some((anchor, Self { steady, unix })) = ANCHOR.get() {
            let since = nanos(instant.saturating_duration_since(anchor));
            if since < TRUSTED {
                return Self { steady: steady + since, unix: unix + since };
            }
        }
        let steady = nanos(instant.saturating_duration_since(*ORIGIN.get_or_init(|| instant)));
        let now = Self { steady, unix: nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()) };
        ANCHOR.set(Some((instant, now)));
        now
    }

    /// Nanoseconds since another moment; 0 if that is later.
    pub(crate) fn since(self, earlier: Self) -> u64 {
        self.steady.saturating_sub(earlier.steady)
    }

    /// This long after another moment, whatever was done to the wall clock since.
    pub(crate) fn unix_after(self, earlier: Self) -> u64 {
        earlier.unix + self.since(earlier)
    }

    /// Nanoseconds since 1970.
    pub(crate) fn unix(self) -> u64 {
        self.unix
    }
}

fn nanos(time: Duration) -> u64 {
    time.as_secs() * 1_000_000_000 + u64::from(time.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_with_the_clock_on_the_wall() {
        for _ in 0..3 {
            let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let moment = Moment::now();
            let unix = Duration::from_nanos(moment.unix());
            assert!(unix + Duration::from_millis(50) >= before);
            assert!(unix <= before + Duration::from_secs(5));
        }
        let one = Moment::now();
        let other = Moment::now();
        assert!(other.unix_after(one) >= one.unix());
    }

    #[test]
    fn it_goes_as_fast_as_other_clocks() {
        let (one, before) = (Moment::now(), Instant::now());
        while before.elapsed() < Duration::from_millis(5) {
            std::hint::spin_loop();
        }
        let least = before.elapsed();
        assert!(Moment::now().since(one) >= least.as_nanos() as u64);
        assert_eq!(one.since(Moment::now()), 0);
    }
}
