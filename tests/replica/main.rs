//! A replica of a service that shares what it knows with the others, on Redis.

use std::{future, time::Duration};

use seaworthy::{
    prelude::*,
    redis::{
        self, AsyncCommands, Ended, Idempotency, IdempotencyKey, Lease, RateLimit, Redis, Refused, Script, Session,
        SessionError, Sessions, Term,
    },
    tracing,
};

/// What is shared, and how.
#[config(env)]
struct Config {
    #[config(flatten, env = "REPLICA_REDIS")]
    redis: redis::Settings,
    /// What sessions are signed with.
    session_key: Secret<String>,
    /// How long a request keeps its key that does not end.
    #[config(default = "30s")]
    hold: Duration,
    /// How long the lease lasts.
    #[config(default = "2s")]
    lease: Duration,
    /// How many requests are allowed in 200 ms.
    #[config(default = "20")]
    limit: u32,
}

/// What handlers, checks and the worker share.
#[derive(Clone, FromRef)]
struct App {
    redis: Redis,
    sessions: Sessions,
    limit: RateLimit,
    lease: Lease,
}

/// Does its work, and counts how often it was done for a key. The first of all replicas may hang.
#[handler]
async fn order(State(mut redis): State<Redis>, key: IdempotencyKey, what: String) -> Result<(StatusCode, String)> {
    let count: u64 = redis.incr(format!("done:{}", key.as_str()), 1).await?;
    if what == "hang" && count == 1 {
        tracing::info!("hanging");
        future::pending::<()>().await;
    }
    Ok((StatusCode::CREATED, format!("{count} by {}", std::process::id())))
}

/// Tells how often the work was done for a key.
#[handler]
async fn done(State(mut redis): State<Redis>, Path(key): Path<String>) -> Result<String> {
    Ok(redis.get(format!("done:{key}")).await?)
}

/// May be asked so often.
#[handler]
async fn limited(
    State(limit): State<RateLimit>,
    Path(key): Path<String>,
) -> Result<(redis::Allowed, &'static str), Refused> {
    Ok((limit.check(key).await?, "allowed"))
}

/// Begins a session.
#[handler]
async fn log_in(State(sessions): State<Sessions>, Path(name): Path<String>) -> Result<(redis::Begun, String)> {
    Ok((sessions.begin(&name).await?, name))
}

/// Tells whose session it is.
#[handler]
async fn who(name: Session<String>) -> String {
    name.into_inner()
}

/// Ends a session.
#[handler]
async fn log_out(name: Session<String>) -> Result<(Ended, &'static str), SessionError> {
    Ok((name.end().await?, "bye"))
}

/// Writes with the token of its term, all the time, to what refuses a smaller one than it saw.
#[worker]
async fn write(State(redis): State<Redis>, State(lease): State<Lease>, shutdown: Shutdown) {
    lease.lead(shutdown, |term| write_as_leader(redis.clone(), term)).await;
}

async fn write_as_leader(mut redis: Redis, term: Term) {
    let script = Script::new(
        "if ARGV[1] < (redis.call('GET', 'fence') or '0') then return redis.call('INCR', 'refused') end
         redis.call('SET', 'fence', ARGV[1])
         return 0",
    );
    let _leading = Leading::begin(term.token());
    loop {
        let refused: redis::RedisResult<u64> = script.arg(term.token()).invoke_async(&mut redis).await;
        if matches!(refused, Ok(1..)) {
            tracing::info!(refused = term.token(), "refused");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Tells when a term began and ended, by the clock of the machine that all processes on it see.
struct Leading(u64);

impl Leading {
    fn begin(term: u64) -> Self {
        tracing::info!(began = term, at = now(), "leading");
        Self(term)
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        tracing::info!(ended = self.0, at = now(), "leading no more");
    }
}

/// Microseconds.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as u64)
}

/// Shares what it knows with its replicas.
#[cloud_service(name = "replica", ready(redis::ready), workers(write))]
async fn main(config: Config) -> Result<Service<App>> {
    let redis = Redis::connect(config.redis).await?;
    let idempotency = Idempotency::new(redis.clone()).hold(config.hold);
    let app = App {
        sessions: Sessions::new(redis.clone(), &config.session_key)?,
        limit: RateLimit::new(redis.clone(), "asked", config.limit, Duration::from_millis(200)),
        lease: Lease::new(redis.clone(), "write", config.lease),
        redis: redis.clone(),
    };
    Ok(Service::new(app).on_close("redis", redis.close()).http(
        Router::new()
            .route("/orders", post(order).layer(idempotency))
            .route("/done/{key}", get(done))
            .route("/limited/{key}", get(limited))
            .route("/session", get(who).delete(log_out))
            .route("/session/{name}", post(log_in)),
    ))
}
