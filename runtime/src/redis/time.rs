//! Times: how long to pause, until when something may go on, and how Redis is told of them.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use crate::telemetry::random;

/// Between half of it and all of it, so that replicas don't come in step.
pub(super) fn jittered(longest: Duration) -> Duration {
    let share = (random() >> 11) as f64 / (1_u64 << 53) as f64;
    longest / 2 + (longest / 2).mul_f64(share)
}

/// Drives a future until that moment, and not beyond it: `None` if it is not done by then.
///
/// By the clock: a timer alone is late where the runtime was blocked, and the future would be driven once more.
pub(super) async fn before<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let mut timed = pin!(timeout_at(deadline, future));
    poll_fn(|cx| match Instant::now() < deadline {
        true => timed.as_mut().poll(cx).map(Result::ok),
        false => Poll::Ready(None),
    })
    .await
}

/// For Redis, which takes no time of 0.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 53)
}
