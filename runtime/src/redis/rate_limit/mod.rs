//! A limit on how often something may be done, that all replicas share: an exact sliding window.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use seaworthy::{prelude::*, redis::{RateLimit, Redis, Refused}};
//!
//! #[derive(Clone, FromRef)]
//! struct App {
//!     redis: Redis,
//!     orders: RateLimit,
//! }
//!
//! /// Takes an order: 100 a minute of each customer.
//! #[handler]
//! async fn order(State(orders): State<RateLimit>, Path(customer): Path<String>) -> Result<String, Refused> {
//!     orders.check(&customer).await?;
//!     Ok(format!("taken, {customer}"))
//! }
//!
//! # async fn set_up(redis: Redis) -> Service<App> {
//! let orders = RateLimit::new(redis.clone(), "orders", 100, Duration::from_secs(60));
//! Service::new(App { redis, orders }).http(Router::new().route("/customers/{customer}/orders", post(order)))
//! # }
//! ```
//!
//! # What is guaranteed
//!
//! In no window of this length, wherever it begins, is more allowed for a key than the limit, whatever the number of
//! replicas and however much arrives at once; and what is refused had the whole limit before it in its own window. Each
//! check is one script, and the clock is that of Redis, so that the clocks of replicas don't matter. What is refused
//! doesn't count: a client that goes on asking is allowed again as soon as one that waits.
//!
//! A key in Redis holds the times of what was allowed within the window, so never more than the limit of them (some 100
//! bytes each), and is gone a window after the last. A limit of a million is one for another kind of counter.
//!
//! # Redis away
//!
//! **Everything is allowed**: a limit that is not known is no reason to refuse all requests. What was not checked is
//! counted in `seaworthy_rate_limit_unchecked_total{limit}`, and each outage is warned of once. Where that is worse
//! than to serve nobody, such as for tries of a password, [`closed`](RateLimit::closed) refuses with 503 instead. Each
//! check may take as long as a command to Redis may (`REDIS_TIMEOUT`) until the loss of the connection is noticed, and
//! none after that.
//!
//! Where Redis forgets (a restart without a disk, a failover to a replica that lags), windows begin anew. Where its
//! clock is set forward, they end early; where it is set back, what was allowed counts for longer.

#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ::redis::{RedisError, Script};
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{HeaderName, RETRY_AFTER},
};

use super::{Redis, keys};

/// The headers of draft-ietf-httpapi-ratelimit-headers.
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Says whether another one fits into the window, and counts it if it does. ARGV: the limit, the window in
/// microseconds, and what tells this one from others. Gives whether it is allowed, how many more are, and for how long
/// the oldest counts.
static CHECK: LazyLock<Script> = LazyLock::new(|| Script::new(CHECK_TEXT));

const CHECK_TEXT: &str = r"
    local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
    local count = redis.call('ZCARD', KEYS[1])
    local allowed = count < limit
    if allowed then
        redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[3])
        redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1)
        count = count + 1
    end
    -- After a deployment that lowered the limit, more than one has to go before there is room.
    local next = allowed and 0 or count - limit
    local first = redis.call('ZRANGE', KEYS[1], next, next, 'WITHSCORES')
    local wait = first[2] and tonumber(first[2]) + window - now or window
    return {allowed and 1 or 0, math.max(limit - count, 0), wait}
";

/// A limit on how often something may be done. Clones share everything.
///
/// The [module](self) shows it in a service, and says what is guaranteed.
#[derive(Clone, Debug)]
pub struct RateLimit {
    redis: Redis,
    policy: Arc<Policy>,
    prefix: Arc<str>,
    is_closed: bool,
    /// Whether the last check found Redis away, so that an outage is told once.
    is_away: Arc<AtomicBool>,
}

/// What a limit is, for checks and for clients.
#[derive(Debug)]
struct Policy {
    name: Cow<'static, str>,
    limit: u32,
    window: Duration,
}

/// One more was allowed. As a part of an answer it is the headers `RateLimit` and `RateLimit-Policy`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Allowed {
    /// How many more are at this moment; `None` where Redis is away.
    pub remaining: Option<u32>,
    /// How long until there is room for one more than that.
    reset: Duration,
    policy: Arc<Policy>,
}

/// No more is allowed. As an answer it is 429 with `Retry-After`, `RateLimit` and `RateLimit-Policy`, or 503 where
/// Redis is away and the limit is [`closed`](RateLimit::closed).
/// It is that too as a [`seaworthy::Error`](crate::Error), such as `?` makes of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// When there is room for another; `None` where Redis is away.
    pub retry_after: Option<Duration>,
    policy: Arc<Policy>,
}

// === impl RateLimit ===

impl RateLimit {
    /// Allows so many in each window of this length, to each key. The name is in keys, metrics and headers.
    ///
    /// A limit of 0 refuses everything. A window is between 1 ms and a year.
    ///
    /// # Panics
    ///
    /// If the name is not of letters, digits, `_`, `-` and `.`.
    #[must_use]
    pub fn new(redis: Redis, name: impl Into<Cow<'static, str>>, limit: u32, window: Duration) -> Self {
        let name = name.into();
        keys::assert_name(&name);
        let window = window.clamp(Duration::from_millis(1), Duration::from_secs(366 * 24 * 60 * 60));
        Self {
            redis,
            policy: Arc::new(Policy { name, limit, window }),
            prefix: keys::default_prefix(),
            is_closed: false,
            is_away: Arc::default(),
        }
    }

    /// Refuses everything while Redis is away, in place of allowing it.
    #[must_use]
    pub fn closed(self) -> Self {
        Self { is_closed: true, ..self }
    }

    /// What keys in Redis begin with: `prefix:limit:name:..`. The default is the service's name.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<Arc<str>>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// Asks for one more, for this key: an address, a customer, a token's hash.
    ///
    /// One that is cancelled, or has no answer in time, may have been counted.
    ///
    /// # Errors
    ///
    /// [`Refused`], and says when to come again.
    pub async fn check(&self, key: impl fmt::Display) -> Result<Allowed, Refused> {
        let policy = Arc::clone(&self.policy);
        let key = format!("{}:limit:{}:{key}", self.prefix, policy.name);
        match self.ask(&key).await {
            Ok((is_allowed, remaining, wait)) => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    tracing::info!(target: "seaworthy::redis", limit = %policy.name, "the rate limit is checked again");
                }
                let wait = Duration::from_micros(wait);
                match is_allowed {
                    true => Ok(Allowed { remaining: Some(remaining), reset: wait, policy }),
                    false => Err(Refused { retry_after: Some(wait), policy }),
                }
            }
            Err(error) => {
                let name = policy.name.clone();
                metrics::counter!("seaworthy_rate_limit_unchecked_total", "limit" => name.clone()).increment(1);
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    let what = if self.is_closed { "refused" } else { "allowed" };
                    tracing::warn!(target: "seaworthy::redis", limit = %name, "the rate limit can't be checked, so everything is {what}: {error}");
                }
                match self.is_closed {
                    true => Err(Refused { retry_after: None, policy }),
                    false => Ok(Allowed { remaining: None, reset: Duration::ZERO, policy }),
                }
            }
        }
    }

    async fn ask(&self, key: &str) -> Result<(bool, u32, u64), RedisError> {
        let Policy { name: _, limit, window } = &*self.policy;
        let mut script = CHECK.key(key);
        // A window that the constructor allows has few enough microseconds.
        script.arg(*limit).arg(window.as_micros() as u64).arg(&keys::random_bytes());
        script.invoke_async(&mut self.redis.clone()).await
    }
}

// === impl Policy ===

impl Policy {
    /// Adds the headers, which say how many more are allowed, and in how long another one.
    fn describe(&self, headers: &mut HeaderMap, remaining: u32, reset: Duration) {
        let Self { name, limit, window } = self;
        let policy = format!("\"{name}\";q={limit};w={}", whole_seconds(*window));
        let state = format!("\"{name}\";r={remaining};t={}", whole_seconds(reset));
        for (header, text) in [(POLICY, policy), (LIMIT, state)] {
            headers.append(header, HeaderValue::try_from(text).expect("the name was checked, the rest is numbers"));
        }
    }
}

/// At least one: to come again before its time is of no use.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_nanos().div_ceil(1_000_000_000).try_into().unwrap_or(u64::MAX).max(1)
}

// === impl Allowed and Refused ===

impl IntoResponseParts for Allowed {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        let Self { remaining, reset, policy } = self;
        if let Some(remaining) = remaining {
            policy.describe(parts.headers_mut(), remaining, reset);
        }
        Ok(parts)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { retry_after, policy } = self;
        let Some(retry_after) = retry_after else {
            return (StatusCode::SERVICE_UNAVAILABLE, "service unavailable").into_response();
        };
        let mut answer = (StatusCode::TOO_MANY_REQUESTS, "too many requests").into_response();
        policy.describe(answer.headers_mut(), 0, retry_after);
        answer.headers_mut().insert(RETRY_AFTER, whole_seconds(retry_after).into());
        answer
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retry_after, policy } = self;
        match retry_after {
            Some(wait) => write!(f, "the limit {} is reached: another is allowed in {wait:?}", policy.name),
            None => write!(f, "the limit {} can't be checked", policy.name),
        }
    }
}

impl std::error::Error for Refused {}
