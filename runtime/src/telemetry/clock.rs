//! One reading of the clock for all that is made of a moment: the span's time, the metric's and the line's.

use std::{
    cell::Cell,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long a thread goes by its reading of the wall clock, which may be set meanwhile.
const TRUSTED: Duration = Duration::from_secs(1);

thread_local! {
    static ANCHOR: Cell<Option<Moment>> = const { Cell::new(None) };
}

/// A moment, on the clock that only goes forward and on the one on the wall.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    instant: Instant,
    /// Since 1970.
    unix: Duration,
}

// === impl Moment ===

impl Moment {
    pub(crate) fn now() -> Self {
        let instant = Instant::now();
        if let Some(anchor) = ANCHOR.get() {
            let since = instant.saturating_duration_since(anchor.instant);
            if since < TRUSTED {
                return Self { instant, unix: anchor.unix + since };
            }
        }
        let now = Self { instant, unix: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() };
        ANCHOR.set(Some(now));
        now
    }

    pub(crate) fn instant(self) -> Instant {
        self.instant
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.instant.saturating_duration_since(earlier.instant)
    }

    /// This long after another moment, whatever was done to the wall clock since.
    pub(crate) fn unix_after(self, earlier: Self) -> Duration {
        earlier.unix + self.since(earlier)
    }

    /// The time since 1970.
    pub(crate) fn unix(self) -> Duration {
        self.unix
    }
}

/// Nanoseconds, as OTLP counts them until the year 2554.
pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_with_the_clock_on_the_wall() {
        for _ in 0..3 {
            let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let moment = Moment::now();
            assert!(moment.unix() + Duration::from_millis(50) >= before);
            assert!(moment.unix() <= before + Duration::from_secs(5));
        }
        let one = Moment::now();
        let other = Moment::now();
        assert!(other.unix_after(one) >= one.unix());
    }
}
