//! To have the lease: to get it, to keep it, to give it back.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use ::redis::{RedisError, RedisResult, Script, ScriptInvocation};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Lease, Redis, Term, keys};

/// Takes the lease where nobody has it, or this one already. KEYS: the holder, the last token. ARGV: this one, the time
/// to live in milliseconds. Gives the token, or 0 and how long the lease of the other one lasts.
///
/// The token is the time where that is larger than the last one, so that it grows also where Redis lost the last one.
static ACQUIRE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local holder = redis.call('GET', KEYS[1])
        if holder and holder ~= ARGV[1] then
            return {0, math.max(redis.call('PTTL', KEYS[1]), 0)}
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
pub(super) struct Competitor {
    redis: Redis,
    name: Cow<'static, str>,
    holder_key: String,
    ttl: Duration,
    /// What tells it from all others, and each of its terms from the next.
    id: String,
}

/// The lease, for a term. Dropped, it is given back if there is a runtime to do so.
pub(super) struct Held {
    competitor: Competitor,
    term: Term,
    /// Before it was asked for: it lasts for at least its time to live from here.
    since: Instant,
    is_over: bool,
}

// === impl Competitor ===

impl Competitor {
    pub(super) fn new(lease: &Lease) -> Self {
        let Lease { redis, name, ttl, prefix } = lease;
        let competitor = Self {
            redis: redis.clone(),
            name: name.clone(),
            holder_key: format!("{{{prefix}:lease:{name}}}"),
            ttl: *ttl,
            id: keys::hex(&keys::random_bytes()),
        };
        competitor.show(false);
        competitor
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Takes the lease, or tells how long the other one's lasts if it isn't renewed.
    pub(super) async fn acquire(&self) -> RedisResult<Result<Held, Duration>> {
        let since = Instant::now();
        let mut script = ACQUIRE.key(&self.holder_key);
        script.key(format!("{}:term", self.holder_key)).arg(&self.id).arg(keys::millis(self.ttl));
        let (token, left): (u64, u64) = self.ask(&script).await?;
        if token == 0 {
            return Ok(Err(Duration::from_millis(left)));
        }
        tracing::info!(target: "seaworthy::redis", lease = %self.name, term = token, "the lease was taken");
        self.show(true);
        Ok(Ok(Held { competitor: self.clone(), term: Term::new(token), since, is_over: false }))
    }

    /// Whether the lease is still this one's, and now for its whole time.
    async fn renew(&self) -> RedisResult<bool> {
        let mut script = RENEW.key(&self.holder_key);
        script.arg(&self.id).arg(keys::millis(self.ttl));
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

// === impl Held ===

impl Held {
    pub(super) fn term(&self) -> Term {
        self.term.clone()
    }

    /// Renews the lease again and again. Completes when it is lost, or could be soon.
    pub(super) async fn keep(&self) {
        let Competitor { ttl, name, .. } = &self.competitor;
        let mut since = self.since;
        let mut next = since + *ttl / 3;
        loop {
            // What is left is for clocks that differ, and to drop the job.
            let deadline = since + *ttl - *ttl / 10;
            if next >= deadline {
                sleep_until(deadline).await;
                tracing::warn!(target: "seaworthy::redis", lease = %name, term = self.term.token(), "the lease could not be renewed");
                return;
            }
            sleep_until(next).await;
            let asked = Instant::now();
            match timeout_at(deadline, self.competitor.renew()).await {
                Ok(Ok(true)) => {
                    since = asked;
                    next = asked + *ttl / 3;
                }
                Ok(Ok(false)) => {
                    tracing::warn!(target: "seaworthy::redis", lease = %name, term = self.term.token(), "the lease was lost");
                    return;
                }
                Ok(Err(_)) => next = Instant::now() + *ttl / 20,
                Err(_) => next = deadline,
            }
        }
    }

    /// Lets the next one have it at once, if Redis can be told.
    pub(super) async fn give_back(mut self) {
        self.end();
        let competitor = &self.competitor;
        let within = Instant::now() + competitor.ttl;
        // It ends by itself where nobody can be told.
        _ = timeout_at(within, competitor.release()).await;
        self.is_over = true;
    }

    fn end(&self) {
        self.term.end();
        self.competitor.show(false);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.end();
        if self.is_over {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let competitor = self.competitor.clone();
            runtime.spawn(async move { competitor.release().await });
        }
    }
}
