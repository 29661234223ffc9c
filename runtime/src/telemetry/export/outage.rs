//! Whether spans reach the collector, as far as it was said.

use std::{mem, time::Duration};

use tokio::time::Instant;

/// How many outages may be told of at once, and how soon there may be one more. A collector that takes one batch and refuses
/// the next would else fill the log.
const WARNINGS: u32 = 10;
const REFILL: Duration = Duration::from_secs(60);

/// What was said of the collector.
pub(super) struct Outage {
    /// That spans don't reach it.
    is_said: bool,
    left: u32,
    refilled: Instant,
}

// === impl Outage ===

impl Outage {
    pub(super) fn new(is_said: bool) -> Self {
        Self { is_said, left: WARNINGS, refilled: Instant::now() }
    }

    /// A batch did not arrive. Says whether that is worth a warning.
    pub(super) fn fail(&mut self, now: Instant) -> bool {
        while self.left < WARNINGS && now.duration_since(self.refilled) >= REFILL {
            self.left += 1;
            self.refilled += REFILL;
        }
        if self.is_said || self.left == 0 {
            return false;
        }
        if self.left == WARNINGS {
            self.refilled = now;
        }
        self.left -= 1;
        self.is_said = true;
        true
    }

    /// A batch arrived. Says whether the last word was that none does.
    pub(super) fn end(&mut self) -> bool {
        mem::take(&mut self.is_said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_one_warning_and_its_end_one_line() {
        let mut outage = Outage::new(false);
        let now = Instant::now();
        assert!(!outage.end());
        assert!(outage.fail(now));
        assert!(!outage.fail(now));
        assert!(!outage.fail(now + REFILL * 100));
        assert!(outage.end());
        assert!(!outage.end());
        assert!(!Outage::new(true).fail(now), "it was said at the start");
    }

    #[test]
    fn a_collector_that_comes_and_goes_is_told_of_now_and_then() {
        let mut outage = Outage::new(false);
        let start = Instant::now();
        let warnings = |outage: &mut Outage, now| {
            let said = (0..1000).filter(|_| {
                let said = outage.fail(now);
                assert_eq!(outage.end(), said);
                said
            });
            said.count()
        };
        assert_eq!(warnings(&mut outage, start), 10);
        assert_eq!(warnings(&mut outage, start + REFILL / 2), 0);
        assert_eq!(warnings(&mut outage, start + REFILL), 1);
        assert_eq!(warnings(&mut outage, start + REFILL * 4), 3);
        assert_eq!(warnings(&mut outage, start + REFILL * 100), 10);
    }
}
