//! Takes orders, once each, and ships them, once each, however many replicas there are.
//!
//! Nothing is kept in the process: orders are in Postgres, sessions, rates and the answers to repeated requests in Redis.
//!
//! - `customers.rs`: who orders (sessions)
//! - `orders.rs`: orders (idempotency keys, a rate for each customer)
//! - `shipping.rs`: workers that empty the outbox, and one of the replicas that counts what is in it (a lease)
//! - `refusal.rs`: how requests fail
//! - `openapi.rs`: the description of it all, at `/openapi.json`

mod customers;
mod openapi;
mod orders;
mod refusal;
mod shipping;

use std::time::Duration;

use seaworthy::{
    postgres::{self, Postgres},
    prelude::*,
    redis::{self, Idempotency, Lease, RateLimit, Redis, Sessions},
};
use sqlx::migrate::Migrator;

/// What the service needs to know.
#[config(env)]
struct Config {
    #[config(flatten, env = "DATABASE")]
    database: postgres::Settings,
    #[config(flatten, env = "REDIS")]
    redis: redis::Settings,
    /// What the cookies of sessions are signed with: 32 bytes or more, the same for all replicas.
    session_key: Secret<String>,
    /// How many orders a customer may place in a minute.
    #[config(default = "600")]
    orders_per_minute: u32,
    /// How long to wait for new orders to ship when there are none.
    #[config(default = "200ms")]
    shipping_interval: Duration,
}

/// What handlers, checks, workers and commands share.
#[derive(Clone, FromRef)]
struct App {
    db: Postgres,
    redis: Redis,
    sessions: Sessions,
    rate: RateLimit,
    lease: Lease,
    interval: shipping::Interval,
}

/// The tables, as each version of the service changed them.
static TABLES: Migrator = sqlx::migrate!();

/// Brings the tables up to date. It may run while other replicas serve, and several may run at once.
#[command]
async fn migrate(State(db): State<Postgres>) -> Result<()> {
    Ok(TABLES.run(db.pool()).await?)
}

/// Takes orders and ships them.
#[cloud_service(ready(postgres::ready, redis::ready), workers(shipping::ship, shipping::count), commands(migrate))]
async fn main(config: Config) -> Result<Service<App>> {
    let db = Postgres::connect(config.database).await?;
    let redis = Redis::connect(config.redis).await?;
    let app = App {
        db: db.clone(),
        sessions: Sessions::new(redis.clone(), &config.session_key)?,
        rate: RateLimit::new(redis.clone(), "orders", config.orders_per_minute, Duration::from_secs(60)),
        lease: Lease::new(redis.clone(), "count", Duration::from_secs(10)),
        interval: shipping::Interval(config.shipping_interval),
        redis: redis.clone(),
    };
    let idempotency = Idempotency::new(redis.clone());
    Ok(Service::new(app)
        .on_close("postgres", db.close())
        .on_close("redis", redis.close())
        .http(customers::routes())
        .http(orders::routes(idempotency))
        .http(openapi::routes()))
}
