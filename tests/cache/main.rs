//! A service that keeps what it knows in Redis: a route for each way to ask for it.

use seaworthy::{
    prelude::*,
    redis::{self, AsyncCommands, Redis, Script},
    tracing,
};

/// Where things are kept.
#[config(env)]
struct Config {
    #[config(flatten, env = "CACHE_REDIS")]
    redis: redis::Settings,
}

/// What handlers and checks share.
#[derive(Clone, FromRef)]
struct App {
    redis: Redis,
}

/// Keeps a value.
#[handler]
async fn set(State(mut redis): State<Redis>, Path((key, value)): Path<(String, String)>) -> Result<()> {
    Ok(redis.set(key, value).await?)
}

/// Gives it back.
#[handler]
async fn get_value(State(mut redis): State<Redis>, Path(key): Path<String>) -> Result<String> {
    let value: Option<String> = redis::cmd("get").arg(key).query_async(&mut redis).await?;
    Ok(value.unwrap_or_else(|| "nothing".into()))
}

/// Asks for what it is not.
#[handler]
async fn wrong(State(mut redis): State<Redis>) -> Result<String> {
    let _: () = redis.set("hunter2", "hunter2").await?;
    Ok(redis.lpop("hunter2", None).await?)
}

/// Asks for several things at once.
#[handler]
async fn several(State(mut redis): State<Redis>) -> Result<String> {
    let (one, two): (i64, i64) = redis::pipe().incr("count", 1).incr("count", 1).query_async(&mut redis).await?;
    let mut atomic = redis::pipe();
    let three: (i64, i64, i64) =
        atomic.atomic().incr("count", 1).incr("count", 1).incr("count", 1).query_async(&mut redis).await?;
    let twice: i64 = Script::new("return ARGV[1] * 2").arg(three.2).invoke_async(&mut redis).await?;
    Ok(format!("{one} {two} {three:?} {twice}"))
}

/// Sends something through a list, with a connection that waits for it.
#[handler]
async fn wait(State(mut redis): State<Redis>) -> Result<String> {
    let mut waiting = redis.dedicated().await?;
    let mut next = redis::cmd("BLPOP");
    next.arg("queue").arg(0);
    let shared: redis::RedisResult<()> = next.query_async(&mut redis).await;
    let (popped, pushed) =
        tokio::join!(next.query_async::<(String, String)>(&mut waiting), redis.rpush::<_, _, i64>("queue", "job"),);
    Ok(format!("{:?} {} {}", popped?, pushed?, shared.is_err()))
}

/// Keeps things.
#[cloud_service(name = "cache", ready(redis::ready))]
async fn main(config: Config) -> Result<Service<App>> {
    tracing::info!(redis = ?config.redis, "setting up");
    let redis = Redis::connect(config.redis).await?;
    let (first, last) = (redis.clone(), redis.clone());
    Ok(Service::new(App { redis: redis.clone() })
        .on_close("last", async move { log("last", last).await })
        .on_close("redis", redis.close())
        .on_close("first", async move { log("first", first).await })
        .http(
            Router::new()
                .route("/set/{key}/{value}", get(set))
                .route("/get/{key}", get(get_value))
                .route("/wrong", get(wrong))
                .route("/several", get(several))
                .route("/wait", get(wait)),
        ))
}

/// Asks while the service closes.
async fn log(resource: &str, mut redis: Redis) {
    let answer: redis::RedisResult<String> = redis::cmd("PING").query_async(&mut redis).await;
    match answer {
        Ok(answer) => tracing::info!(resource, answer, "closing"),
        Err(error) => tracing::info!(resource, %error, "closing"),
    }
}
