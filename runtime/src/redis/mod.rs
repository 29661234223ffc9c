//! Redis: a connection that is kept up, traced and measured, for the crate [redis], all of which is here too.
//!
//! A [`Redis`] is made once, in the set-up, and lives in the service's state. Commands are written as with the crate:
//! by [`cmd`], by [`AsyncCommands`], with [`pipe`] and [`Script`].
//!
//! ```no_run
//! use seaworthy::{prelude::*, redis::{self, AsyncCommands, Redis}};
//!
//! /// Settings of the shop.
//! #[config(env)]
//! struct Config {
//!     #[config(flatten, env = "REDIS")]
//!     redis: redis::Settings,
//! }
//!
//! #[derive(Clone, FromRef)]
//! struct App {
//!     redis: Redis,
//! }
//!
//! /// Tells how often an article was looked at, this time included.
//! #[handler]
//! async fn look(State(mut redis): State<Redis>, Path(article): Path<u32>) -> Result<String> {
//!     let looks: u64 = redis.incr(format!("shop:looks:{article}"), 1).await?;
//!     Ok(looks.to_string())
//! }
//!
//! /// Sells articles.
//! #[cloud_service(ready(redis::ready))]
//! async fn main(config: Config) -> Result<Service<App>> {
//!     let redis = Redis::connect(config.redis).await?;
//!     let app = App { redis: redis.clone() };
//!     Ok(Service::new(app).on_close("redis", redis.close()).http(Router::new().route("/looks/{article}", get(look))))
//! }
//! ```
//!
//! [`Settings`] are the variables, and what a URL may be.
//!
//! # One connection
//!
//! Commands of all requests share one connection, on which they follow each other without waiting for answers. That is
//! what Redis, which does one thing at a time, serves fastest: a pool would give each request a connection that is idle
//! but for one command, and thousands of them to the server when there are many replicas. What it costs:
//!
//! - An answer waits for those before it. A value of many megabytes, or a script that takes long, holds up who comes
//!   after it; on other connections they would wait too, since the server is busy.
//! - A command that waits (`BLPOP`, `XREAD` with `BLOCK`, ..), or changes what the connection means (`WATCH`, `MULTI`
//!   by itself, `SELECT`, ..), is refused with an error, before it is sent. It goes on a connection of one's own:
//!   [`Redis::dedicated`]. [`Redis::pub_sub`] hears what is published.
//! - A transaction is an atomic [`pipe`] or a [`Script`]: sent as a whole, and as safe as on a connection of its own.
//!
//! # What replicas share
//!
//! Each is a value to make in the set-up, and says in its module what it guarantees and what happens without Redis.
//! Every change in Redis is one command or one script. Keys begin with the service's name, unless it chooses another
//! prefix.
//!
//! | what | for | without Redis |
//! |---|---|---|
//! | [`Sessions`] ([module](sessions)) | who is asking | 503 |
//! | [`Idempotency`] ([module](idempotency)) | a POST that is repeated is done once | 503, and nothing is done |
//! | [`RateLimit`] ([module](rate_limit)) | how often something may be done | all is allowed; 503 if it is `closed` |
//! | [`Lease`] ([module](lease)) | a job that one replica does | nobody does it |
//!
//! # When Redis is away
//!
//! The loss of the connection is noticed when it happens, not by the next command. A new one is made at once; commands
//! that come meanwhile wait for that one try, for as long as they may take. From the moment that it failed, commands
//! fail at once, and a connection is tried again after 25 ms to 1 s, with jitter, until there is one. It is one try at
//! a time, however many commands there are.
//!
//! - `?` in a handler answers 503 for an error that says that Redis is not there, or can't serve now (`LOADING`,
//!   `READONLY`, `CLUSTERDOWN`, ..), and 500 for any other.
//! - A command that was sent, and had no answer when the connection was lost or its time was over, may or may not have
//!   been done. It is not sent again.
//! - Where a command had no answer in time, the connection is asked for one, and left if there is none: so a server
//!   that hangs is away too, within `TIMEOUT` twice.
//! - A server that says `READONLY` is left for where the name leads then, every 5 s at most: another took its place.
//!
//! A URL that came from a file (`REDIS_URL_FILE`) is read again for each connection: a password that was rotated is
//! used by the next one, and by no one before.
//!
//! # What is recorded
//!
//! - **A span** for each command, of the kind CLIENT, within the current one, called by its name and the database:
//!   `GET 0`; for a pipeline `PIPELINE 0`, for a transaction `MULTI 0`, with `db.operation.batch.size`. Keys and values
//!   are in none.
//! - **A metric**: `db_client_operation_duration_seconds`, by `db_operation_name` and `error_type`.
//!
//! `error.type` is the server's code (`WRONGTYPE`), which is `db.response.status_code` too; `timeout`; `io`, where the
//! connection broke before the answer came; `disconnected` and `closed`, where nothing was sent; `parse`; `cancelled`,
//! where the future was dropped. An answer of nil is no error.
//!
//! # Readiness
//!
//! [`ready`](fn@ready) asks for an answer, and is listed: `ready(redis::ready)`. All replicas are out at once when
//! Redis is away: right for a service that can answer nothing without it. One that can answer something lists a check
//! of its own, with `critical = false`, which calls this one.

mod check;
mod connector;
mod cookie;
mod dedicated;
mod endpoint;
mod error;
pub mod idempotency;
mod keys;
pub mod lease;
mod link;
mod names;
pub mod rate_limit;
mod record;
mod resource;
#[cfg(test)]
mod server;
pub mod sessions;
mod settings;
mod time;

pub use ::redis::*;

pub(crate) use self::error::{is_unavailable, own_answer};
pub use self::{
    check::ready,
    dedicated::Dedicated,
    idempotency::{Idempotency, IdempotencyKey},
    lease::{Lease, Term},
    rate_limit::{Allowed, RateLimit, Refused},
    resource::Redis,
    sessions::{Begun, Ended, Session, SessionError, Sessions},
    settings::Settings,
};
