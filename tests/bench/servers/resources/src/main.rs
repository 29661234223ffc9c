//! Calls Postgres and Redis, with Seaworthy's resources and with their crates alone, in turn.

use std::time::Instant;

use seaworthy::{
    postgres::{self, Postgres},
    prelude::*,
    redis::{self, Redis, aio::MultiplexedConnection},
    sqlx,
};

/// How many calls are made before the other kind has its turn.
const TURN: u32 = 100;

/// Where they are.
#[config(env)]
struct Config {
    #[config(flatten, env = "DATABASE")]
    database: postgres::Settings,
    #[config(flatten, env = "REDIS")]
    redis: redis::Settings,
}

/// Each as a resource, and as its crate has it.
#[derive(Clone, FromRef)]
struct App {
    db: Postgres,
    redis: Redis,
    bare_redis: MultiplexedConnection,
}

/// What a call took, in nanoseconds: with the crate alone, and with the resource.
type Times = Json<[f64; 2]>;

/// Makes each call as often as the other, in turns, and gives the median time of each in nanoseconds.
macro_rules! in_turn {
    ($turns:expr, $bare:expr, $ours:expr) => {{
        let (mut of_bare, mut of_ours) = (Vec::new(), Vec::new());
        for turn in 0..$turns {
            // Whichever is first has what the other left in the caches.
            if turn % 2 == 0 {
                of_bare.push(time!($bare));
                of_ours.push(time!($ours));
            } else {
                of_ours.push(time!($ours));
                of_bare.push(time!($bare));
            }
        }
        [median(of_bare), median(of_ours)]
    }};
}

/// What a call takes, in nanoseconds.
macro_rules! time {
    ($call:expr) => {{
        let began = Instant::now();
        for _ in 0..TURN {
            $call.await?;
        }
        began.elapsed().as_nanos() as f64 / f64::from(TURN)
    }};
}

/// Selects a number.
#[handler]
async fn statements(State(db): State<Postgres>, Path(turns): Path<u32>) -> Result<Times> {
    let select = || sqlx::query_scalar::<_, i32>("select 1");
    Ok(Json(in_turn!(turns, select().fetch_one(db.pool()), select().fetch_one(&db))))
}

/// Gets a value of 100 bytes.
#[handler]
async fn commands(
    State(redis): State<Redis>,
    State(bare_redis): State<MultiplexedConnection>,
    Path(turns): Path<u32>,
) -> Result<Times> {
    redis::cmd("SET").arg("value").arg("x".repeat(100)).query_async::<()>(&mut redis.clone()).await?;
    let get = redis::cmd("GET").arg("value").to_owned();
    let times = in_turn!(
        turns,
        get.query_async::<Vec<u8>>(&mut bare_redis.clone()),
        get.query_async::<Vec<u8>>(&mut redis.clone())
    );
    Ok(Json(times))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Calls Postgres and Redis.
#[cloud_service(ready(postgres::ready, redis::ready), request_timeout = "5m")]
async fn main(config: Config) -> Result<Service<App>> {
    let url = config.redis.url.expose().clone();
    let db = Postgres::connect(config.database).await?;
    let redis = Redis::connect(config.redis).await?;
    let bare_redis = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    Ok(Service::new(App { db, redis, bare_redis })
        .http(Router::new().route("/statements/{turns}", get(statements)).route("/commands/{turns}", get(commands))))
}
