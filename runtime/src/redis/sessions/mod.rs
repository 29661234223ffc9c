//! Sessions: what a service knows of who is asking, on Redis, under a signed id in a cookie.
//!
//! ```no_run
//! use seaworthy::{prelude::*, redis::{self, Redis, Session, SessionError, Sessions}, serde::{Deserialize, Serialize}};
//!
//! /// Settings of the shop.
//! #[config(env)]
//! struct Config {
//!     #[config(flatten, env = "REDIS")]
//!     redis: redis::Settings,
//!     /// What the ids of sessions are signed with: 32 random bytes or more, as text.
//!     session_key: Secret<String>,
//! }
//!
//! #[derive(Clone, FromRef)]
//! struct App {
//!     redis: Redis,
//!     sessions: Sessions,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! # #[serde(crate = "seaworthy::serde")]
//! struct Customer {
//!     name: String,
//! }
//!
//! /// Begins a session.
//! #[handler]
//! async fn log_in(
//!     State(sessions): State<Sessions>,
//!     Json(customer): Json<Customer>,
//! ) -> Result<(redis::Begun, StatusCode)> {
//!     Ok((sessions.begin(&customer).await?, StatusCode::NO_CONTENT))
//! }
//!
//! /// Tells who is asking: 401 without a session.
//! #[handler]
//! async fn who(customer: Session<Customer>) -> String {
//!     customer.name.clone()
//! }
//!
//! /// Ends the session.
//! #[handler]
//! async fn log_out(customer: Session<Customer>) -> Result<(redis::Ended, StatusCode), SessionError> {
//!     Ok((customer.end().await?, StatusCode::NO_CONTENT))
//! }
//!
//! /// Sells things.
//! #[cloud_service(ready(redis::ready))]
//! async fn main(config: Config) -> Result<Service<App>> {
//!     let redis = Redis::connect(config.redis).await?;
//!     let sessions = Sessions::new(redis.clone(), &config.session_key)?;
//!     let routes = Router::new().route("/session", get(who).post(log_in).delete(log_out));
//!     Ok(Service::new(App { redis, sessions }).http(routes))
//! }
//! ```
//!
//! # What is guaranteed
//!
//! - **An id is made here**, of 128 random bits, anew by each [`begin`](Sessions::begin): nobody can make a client use
//!   an id that they know. A service that changes what a client may do begins another session, and ends the one before.
//! - **An id is signed** (HMAC-SHA256): one that was forged, or was not made with one of the keys, is no session, and
//!   is not asked of Redis. To know the keys in Redis is not enough to take a session over.
//! - **A session ends** once it was not used for its lifetime, or by [`end`](Session::end): from then on it is a
//!   session on no replica, and no [`save`](Session::save) that was on its way revives it.
//! - **Data is one value**: read whole, written whole, and the last write wins. What two requests must not both change
//!   belongs in a database.
//!
//! The lifetime slides: each request that takes the session begins it anew, in the same command that reads it (`GETEX`,
//! which Redis has since 6.2). The cookie itself stays for 400 days, the longest that browsers keep one. When a session
//! is over is for Redis to say, and a cookie that went by the session's own time would go while the session is used.
//!
//! Data that is not of the type asked for, as another version of the service may write it, is no session: it is warned
//! of, and the client begins another.
//!
//! # Redis away
//!
//! Requests that take a session are answered with 503, and so are those that begin, save or end one: nobody is taken
//! for logged out, and nobody for logged in. Requests without a cookie, or with one that is not signed, are answered as
//! ever. Where Redis keeps nothing on disk, a restart of it ends all sessions. A command that had no answer in time may
//! have been carried out all the same: a session may then be saved or ended although the client was told 503.
//!
//! # Rotating the key
//!
//! Sessions go on while ids of the key before are taken too ([`Sessions::previous_key`]). New ones are signed with the
//! new key alone. First every replica learns the new key as a previous one, then as its own: a replica that doesn't
//! know it yet would take its sessions for forged.

mod error;
mod session;
mod signature;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use ::redis::cmd;
use axum::response::{IntoResponseParts, ResponseParts};
use http::{HeaderMap, HeaderValue, header::SET_COOKIE};
use serde::Serialize;

use self::signature::{Id, Signer};
pub use self::{error::SessionError, session::Session};
use super::{Redis, cookie, keys, time};
use crate::{Error, Secret};

/// How long a session is kept that nobody uses.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// How long a browser keeps the cookie: 400 days.
const MAX_AGE: u32 = 400 * 24 * 60 * 60;
/// How many cookies of the name are looked at. One is the client's own; more come from elsewhere.
const CANDIDATES: usize = 8;

/// Begins sessions and finds them. Clones share everything.
///
/// The [module](self) shows it in a service, and says what is guaranteed.
#[derive(Clone, Debug)]
pub struct Sessions {
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
struct Shared {
    redis: Redis,
    signer: Signer,
    lifetime: Duration,
    cookie: String,
    secure: bool,
    prefix: Arc<str>,
}

/// A session that was begun: a part of the answer, which sets the cookie.
#[derive(Debug)]
#[must_use = "the client learns of its session only if this is part of the answer"]
pub struct Begun(HeaderValue);

/// A session that was ended: a part of the answer, which removes the cookie.
#[derive(Debug)]
#[must_use = "the client goes on sending the cookie unless this is part of the answer"]
pub struct Ended(HeaderValue);

// === impl Sessions ===

impl Sessions {
    /// Signs ids with this key:
    ///
    /// | what | default |
    /// |---|---|
    /// | [`lifetime`](Self::lifetime) | 30 min after the last use |
    /// | [`cookie`](Self::cookie) | `session`, with `HttpOnly; SameSite=Lax; Path=/` |
    /// | [`secure`](Self::secure) | yes: the cookie is sent over https alone |
    /// | [`prefix`](Self::prefix) | the service's name: `orders:session:..` |
    ///
    /// # Errors
    ///
    /// [`Error::config`] for a key of less than 32 bytes, which could be guessed.
    pub fn new(redis: Redis, key: &Secret<String>) -> Result<Self, Error> {
        let shared = Shared {
            redis,
            signer: Signer::new(key)?,
            lifetime: LIFETIME,
            cookie: "session".into(),
            secure: true,
            prefix: keys::default_prefix(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// How long a session is kept that nobody uses.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        self.with(|shared| shared.lifetime = lifetime)
    }

    /// What the cookie is called. An [`Idempotency`](super::Idempotency) has to know, too.
    ///
    /// With a name that begins with `__Host-`, such as `__Host-session`, browsers take none from a neighbouring
    /// subdomain. Such a cookie has to be [secure](Self::secure).
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

    /// Whether the cookie is sent over https alone. `false` is for development: a browser keeps no other over http, but
    /// for `localhost` in some.
    #[must_use]
    pub fn secure(self, secure: bool) -> Self {
        self.with(|shared| shared.secure = secure)
    }

    /// Takes ids that were signed with this key, too, if there is one. May be called for several.
    ///
    /// # Errors
    ///
    /// [`Error::config`] for a key of less than 32 bytes.
    pub fn previous_key<'a>(mut self, key: impl Into<Option<&'a Secret<String>>>) -> Result<Self, Error> {
        if let Some(key) = key.into() {
            Arc::make_mut(&mut self.shared).signer.accept(key)?;
        }
        Ok(self)
    }

    /// What keys in Redis begin with: `prefix:session:..`.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<Arc<str>>) -> Self {
        self.with(|shared| shared.prefix = prefix.into())
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }

    /// Begins a session with this data, under an id that there was never before. Give what it returns as part of the
    /// answer.
    ///
    /// # Errors
    ///
    /// Those of Redis ([`SessionError::Redis`]), and that the data can't be written as JSON.
    pub async fn begin<T: Serialize + ?Sized>(&self, data: &T) -> Result<Begun, SessionError> {
        let data = serde_json::to_vec(data)?;
        let id = Id::random();
        let Shared { redis, lifetime, .. } = &*self.shared;
        let mut command = cmd("SET");
        command.arg(self.key(&id)).arg(data).arg("PX").arg(time::millis(*lifetime));
        command.exec_async(&mut redis.clone()).await?;
        Ok(Begun(self.set_cookie(&self.shared.signer.sign(&id), MAX_AGE)))
    }

    /// The id that a request comes with, if it was signed here.
    fn find(&self, headers: &HeaderMap) -> Option<Id> {
        let Shared { signer, cookie, .. } = &*self.shared;
        cookie::values(headers, cookie).take(CANDIDATES).find_map(|value| signer.verify(value))
    }

    fn key(&self, id: &Id) -> String {
        format!("{}:session:{id}", self.shared.prefix)
    }

    fn set_cookie(&self, value: &str, max_age: u32) -> HeaderValue {
        let Shared { cookie, secure, .. } = &*self.shared;
        let secure = if *secure { "; Secure" } else { "" };
        let text = format!("{cookie}={value}; HttpOnly{secure}; SameSite=Lax; Path=/; Max-Age={max_age}");
        HeaderValue::try_from(text).expect("the name was checked, and the value is of hex digits")
    }
}

// === impl Begun and Ended ===

impl IntoResponseParts for Begun {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        parts.headers_mut().append(SET_COOKIE, self.0);
        Ok(parts)
    }
}

impl IntoResponseParts for Ended {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        parts.headers_mut().append(SET_COOKIE, self.0);
        Ok(parts)
    }
}
