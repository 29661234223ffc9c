//! To have the lease: to get it, to keep it, to give it back.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use ::redis::{RedisError, RedisResult, Script, ScriptInvocation};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::{Lease, Redis, Term, keys, time};

/// How often the lease is asked for while another one has it, at least.
const PATIENCE: Duration = Duration::from_millis(100);

/// Takes the lease where nobody has it, or this one already. KEYS: the holder, the last token. ARGV: this one, the time
/// to live in milliseconds. Gives the token, or 0 and how long the lease of the other one lasts (-1: for good).
///
/// The token is the time where that is larger than the last one, so that it grows also where Redis lost the last one.
static ACQUIRE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local holder = redis.call('GET', KEYS[1])
        if holder and holder ~= ARGV[1] then
            return {0, redis.call('PTTL', KEYS[1])}
        end
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local token = math.max(now, tonumber(redis.call('GET', KEYS[2]) or '0') + 1)
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        redis.call('SET', KEYS[2], string.format('%.0f', token))
        return {token, 0}
        ",
    )
});

/// Has the lease last for its whole time again, if it is this one's.
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then
            return 0
        end
        return redis.call('PEXPIRE', KEYS[1], ARGV[2])
        ",
    )
});

/// Ends the lease, if it is this one's.
static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then
            return 0
        end
        return redis.call('DEL', KEYS[1])
        ",
    )
});

/// One who asks for the lease.
#[derive(Clone)]
struct Competitor {
    redis: Redis,
    name: Cow<'static, str>,
    holder_key: String,
    ttl: Duration,
    /// What tells it from all others, and each of its terms from the next.
    id: String,
}

/// The wait for the lease, and the term that follows. Dropped, the lease is given back if there is a runtime to do so.
pub(super) struct Bid {
    competitor: Competitor,
    term: Option<Term>,
    /// Before it was asked for: it lasts for at least its time to live from here.
    since: Instant,
    /// Whether Redis may take the lease for this one's: it was asked for, and no answer says that another one has it.
    may_be_held: bool,
}

// === impl Competitor ===

impl Competitor {
    fn new(lease: &Lease) -> Self {
        let Lease { redis, name, ttl, prefix } = lease;
        Self {
            redis: redis.clone(),
            name: name.clone(),
            holder_key: format!("{{{prefix}:lease:{name}}}"),
            ttl: *ttl,
            id: keys::hex(&keys::random_bytes()),
        }
    }

    /// Takes the lease: gives the token, or how long the other one's lasts if it isn't renewed.
    async fn acquire(&self) -> RedisResult<Result<u64, Duration>> {
        let mut script = ACQUIRE.key(&self.holder_key);
        script.key(format!("{}:term", self.holder_key)).arg(&self.id).arg(time::millis(self.ttl));
        let (token, left): (u64, i64) = self.ask(&script).await?;
        Ok(match token {
            0 => Err(u64::try_from(left).map_or(Duration::MAX, Duration::from_millis)),
            token => Ok(token),
        })
    }

    /// Whether the lease is still this one's, and now for its whole time.
    async fn renew(&self) -> RedisResult<bool> {
        let mut script = RENEW.key(&self.holder_key);
        script.arg(&self.id).arg(time::millis(self.ttl));
        self.ask(&script).await
    }

    async fn release(&self) -> RedisResult<bool> {
        let mut script = RELEASE.key(&self.holder_key);
        script.arg(&self.id);
        self.ask(&script).await
    }

    /// Without a span and a metric of its own.
    async fn ask<T: ::redis::FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, RedisError> {
        let answer = script.invoke_async(&mut self.redis.quiet().await?).await;
        answer.inspect_err(|error| self.redis.doubt(error))
    }

    fn show(&self, is_held: bool) {
        metrics::gauge!("seaworthy_lease_held", "lease" => self.name.clone()).set(f64::from(u8::from(is_held)));
    }
}

// === impl Bid ===

impl Bid {
    pub(super) fn new(lease: &Lease) -> Self {
        let competitor = Competitor::new(lease);
        competitor.show(false);
        Self { competitor, term: None, since: Instant::now(), may_be_held: false }
    }

    /// Waits until the lease is this one's.
    pub(super) async fn win(&mut self) -> Term {
        let name = self.competitor.name.clone();
        let mut is_told = false;
        loop {
            self.since = Instant::now();
            self.may_be_held = true;
            let pause = match self.competitor.acquire().await {
                Ok(Ok(token)) => {
                    tracing::info!(target: "seaworthy::redis", lease = %name, term = token, "the lease was taken");
                    self.competitor.show(true);
                    return self.term.insert(Term::new(token)).clone();
                }
                Ok(Err(left)) => {
                    self.may_be_held = false;
                    is_told = false;
                    PATIENCE.min(left)
                }
                Err(error) => {
                    if !is_told {
                        is_told = true;
                        tracing::warn!(target: "seaworthy::redis", lease = %name, "the lease can't be asked for: {error}");
                    }
                    PATIENCE
                }
            };
            sleep(time::jittered(pause.max(Duration::from_millis(2)))).await;
        }
    }

    /// Renews the lease again and again. Completes when it is lost, or could be soon.
    pub(super) async fn keep(&self) {
        let Competitor { ttl, name, .. } = &self.competitor;
        let token = self.term.as_ref().map(Term::token);
        let mut since = self.since;
        let mut next = since + *ttl / 3;
        loop {
            let renewed = async {
                sleep_until(next).await;
                let asked = Instant::now();
                (asked, self.competitor.renew().await)
            };
            // What is left is for clocks that differ, and to drop the job.
            match time::before(since + *ttl - *ttl / 10, renewed).await {
                Some((asked, Ok(true))) => {
                    since = asked;
                    next = asked + *ttl / 3;
                }
                Some((_, Ok(false))) => {
                    tracing::warn!(target: "seaworthy::redis", lease = %name, term = token, "the lease was lost");
                    return;
                }
                Some((_, Err(_))) => next = Instant::now() + *ttl / 20,
                None => {
                    tracing::warn!(target: "seaworthy::redis", lease = %name, term = token, "the lease could not be renewed");
                    return;
                }
            }
        }
    }

    /// Lets the next one have it at once, if Redis can be told.
    pub(super) async fn give_back(mut self) {
        self.end();
        if self.may_be_held {
            let competitor = &self.competitor;
            // It ends by itself where nobody can be told.
            _ = timeout_at(Instant::now() + competitor.ttl, competitor.release()).await;
            self.may_be_held = false;
        }
    }

    fn end(&self) {
        if let Some(term) = &self.term {
            term.end();
            self.competitor.show(false);
        }
    }
}

impl Drop for Bid {
    fn drop(&mut self) {
        self.end();
        if !self.may_be_held {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let competitor = self.competitor.clone();
            runtime.spawn(async move { competitor.release().await });
        }
    }
}
