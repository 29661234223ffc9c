//! Idempotency: a request that is repeated is carried out once, and each repeat gets the first answer.
//!
//! ```no_run
//! use seaworthy::{prelude::*, redis::{Idempotency, IdempotencyKey, Redis}};
//!
//! /// Takes an order.
//! #[handler]
//! async fn order(key: IdempotencyKey) -> (StatusCode, String) {
//!     // .. INSERT INTO orders (request, ..): `request` is UNIQUE, and this is its value.
//!     (StatusCode::CREATED, format!("taken: {}", key.scoped()))
//! }
//!
//! # fn routes(redis: Redis) -> Router {
//! let idempotency = Idempotency::new(redis.clone());
//! Router::new().route("/orders", post(order).layer(idempotency))
//! # }
//! ```
//!
//! The key is the client's, in the header `Idempotency-Key` of the
//! [draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/): a string in quotes or without,
//! of 1 to 255 visible characters. Methods other than POST and PATCH pass as they are.
//!
//! | request | answer |
//! |---|---|
//! | the first with its key | the handler's |
//! | a repeat | the first answer, with `Idempotent-Replayed: true` |
//! | a repeat while the first is running, wherever | that answer; 409 with `Retry-After` if it isn't there in time |
//! | another request with the same key | 422 |
//! | without a key, with several, or a malformed one | 400 |
//! | while Redis is away | 503: the handler is not run |
//!
//! A request is the same if method, path, query and body are. Answers of the layer itself are
//! `application/problem+json`.
//!
//! # What is guaranteed
//!
//! - **No two handlers run at once** for a key, and none runs after one whose answer was kept, for the
//!   [`lifetime`](Idempotency::lifetime). The key is taken by one script.
//! - **An answer is kept** with its status, its body and its headers, but for `Set-Cookie`, `Date` and those of a
//!   connection. It is in Redis before it goes out.
//! - **5xx, 408, 425 and 429 are not kept**: the key is free again, and a repeat is carried out. The same goes for a
//!   handler that panics, or is cancelled because its client went away or its time was over.
//! - **A replica that dies** keeps its keys for [`hold`](Idempotency::hold). The handler can't run for longer either:
//!   it is dropped when nine tenths of that are over, and answered for with 503.
//!
//! Keys of different callers don't meet. A caller is who sends the same `Authorization` and the same session cookie, so
//! a repeat comes with those of the first; a client that renews its token between the two is another caller. Callers
//! without either are one, whose keys have to be as random as they should be anyway.
//!
//! # What it can't do
//!
//! **Exactly once is a matter of the handler's own transaction.** What the handler did in a database and what is kept
//! in Redis can't be one: a process may die, and a client may go away, between the two. The key is then free after
//! `hold`, or at once, and a repeat runs the handler again. So the handler writes [`IdempotencyKey::scoped`], which is
//! the same for each repeat, into a column that is UNIQUE, in the transaction in which it does its work, and answers
//! with what is there if it is there. This layer makes that rare and gives repeats their answer; the column makes it
//! exact.
//!
//! # Redis away
//!
//! - *Before the handler*: 503, and nothing was done. A key that was taken, although Redis could not say so, is free as
//!   soon as it can be told, and after `hold` at the latest.
//! - *Between the handler and the keeping*: the answer goes out. The keeping is tried again until `hold` is over; then
//!   the key is free, and a repeat runs the handler again. So is the release of a key whose answer is not kept.
//! - *Where Redis forgets* (a restart without a disk, a failover to a replica that lags), keys are free again.
//!
//! Outcomes are counted in `seaworthy_idempotent_requests_total{outcome}`.

mod answer;
mod key;
mod record;
mod service;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use tower::Layer;

pub use self::{
    key::{IdempotencyKey, NoIdempotencyKey},
    service::IdempotencyService,
};
use super::{Redis, cookie, error, keys, time};

/// A layer that has each request with the same `Idempotency-Key` carried out once. Clones share everything.
///
/// The [module](self) shows it on a route, and says what is guaranteed.
#[derive(Clone, Debug)]
pub struct Idempotency {
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
struct Shared {
    redis: Redis,
    lifetime: Duration,
    wait: Duration,
    hold: Duration,
    body_limit: usize,
    cookie: String,
    prefix: Arc<str>,
}

// === impl Idempotency ===

impl Idempotency {
    /// Keeps answers in this Redis:
    ///
    /// | what | default |
    /// |---|---|
    /// | [`lifetime`](Self::lifetime) | 24 h |
    /// | [`wait`](Self::wait) | 10 s |
    /// | [`hold`](Self::hold) | 35 s, so that the 30 s of `REQUEST_TIMEOUT` come first |
    /// | [`body_limit`](Self::body_limit) | 2 MiB |
    /// | [`cookie`](Self::cookie) | `session` |
    /// | [`prefix`](Self::prefix) | the service's name: `orders:idempotency:..` |
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        let shared = Shared {
            redis,
            lifetime: Duration::from_secs(24 * 60 * 60),
            wait: Duration::from_secs(10),
            hold: Duration::from_secs(35),
            body_limit: 2 * 1024 * 1024,
            cookie: "session".into(),
            prefix: keys::default_prefix(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// How long an answer is kept.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        self.with(|shared| shared.lifetime = lifetime)
    }

    /// How long a repeat waits for the answer to the first.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        self.with(|shared| shared.wait = wait)
    }

    /// How long a request that does not end keeps its key: for so long, nobody can repeat what a replica that died had
    /// begun.
    ///
    /// The handler is dropped when nine tenths of this are over.
    #[must_use]
    pub fn hold(self, hold: Duration) -> Self {
        self.with(|shared| shared.hold = hold)
    }

    /// How large the body of a request may be, in bytes, and an answer that is to be kept. A larger request is answered
    /// with 413. A larger answer goes out; its repeats get 409, and the handler is not run again.
    #[must_use]
    pub fn body_limit(self, limit: usize) -> Self {
        self.with(|shared| shared.body_limit = limit)
    }

    /// What the cookie is called that tells callers apart: that of [`Sessions::cookie`](super::Sessions::cookie).
    ///
    /// # Panics
    ///
    /// If no cookie can be called so.
    #[must_use]
    pub fn cookie(self, name: impl Into<String>) -> Self {
        let name = name.into();
        assert!(cookie::is_name(&name), "`{name}` can't be the name of a cookie");
        self.with(|shared| shared.cookie = name)
    }

    /// What keys in Redis begin with: `prefix:idempotency:..`.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<Arc<str>>) -> Self {
        self.with(|shared| shared.prefix = prefix.into())
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }
}

impl<H> Layer<H> for Idempotency {
    type Service = IdempotencyService<H>;

    fn layer(&self, handler: H) -> IdempotencyService<H> {
        IdempotencyService::new(Arc::clone(&self.shared), handler)
    }
}
