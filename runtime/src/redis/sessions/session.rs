//! A session, as a handler takes it.

use std::{fmt, ops::Deref};

use ::redis::cmd;
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use serde::{Serialize, de::DeserializeOwned};

use super::{Ended, Id, SessionError, Sessions, time};

/// The session of the request, with data of the type `T`: an extractor, for a state that has [`Sessions`].
///
/// Without one the request is answered with 401, and with 503 where Redis is away. `Option<Session<T>>` is `None` in
/// place of the 401. To take it is to use it: the lifetime begins anew.
pub struct Session<T> {
    data: T,
    id: Id,
    sessions: Sessions,
}

// === impl Session ===

impl<T> Session<T> {
    /// Replaces the data, and begins the lifetime anew. What this `Session` dereferences to stays as it was read.
    ///
    /// The last write wins. A session that was ended meanwhile, or expired, stays so.
    ///
    /// # Errors
    ///
    /// [`SessionError::Missing`] where it was ended meanwhile, and those of Redis.
    pub async fn save(&self, data: &T) -> Result<(), SessionError>
    where
        T: Serialize,
    {
        let data = serde_json::to_vec(data)?;
        let shared = &*self.sessions.shared;
        let mut command = cmd("SET");
        command.arg(self.sessions.key(&self.id)).arg(data).arg("XX").arg("PX").arg(time::millis(shared.lifetime));
        let done: Option<()> = command.query_async(&mut shared.redis.clone()).await?;
        done.ok_or(SessionError::Missing)
    }

    /// Ends the session, on all replicas. Give what it returns as part of the answer. One that is over already is
    /// ended, too.
    ///
    /// # Errors
    ///
    /// Those of Redis: the session may go on.
    pub async fn end(self) -> Result<Ended, SessionError> {
        let Self { data: _, id, sessions } = self;
        cmd("DEL").arg(sessions.key(&id)).exec_async(&mut sessions.shared.redis.clone()).await?;
        Ok(Ended(sessions.set_cookie("", 0)))
    }

    /// The data, without the session.
    pub fn into_inner(self) -> T {
        let Self { data, id: _, sessions: _ } = self;
        data
    }
}

impl<T> Deref for Session<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T: fmt::Debug> fmt::Debug for Session<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session").field(&self.data).finish()
    }
}

impl<S, T> FromRequestParts<S> for Session<T>
where
    S: Send + Sync,
    Sessions: FromRef<S>,
    T: DeserializeOwned,
{
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, SessionError> {
        let sessions = Sessions::from_ref(state);
        let id = sessions.find(&parts.headers).ok_or(SessionError::Missing)?;
        let shared = &*sessions.shared;
        let mut command = cmd("GETEX");
        command.arg(sessions.key(&id)).arg("PX").arg(time::millis(shared.lifetime));
        let data: Option<Vec<u8>> = command.query_async(&mut shared.redis.clone()).await?;
        match serde_json::from_slice(&data.ok_or(SessionError::Missing)?) {
            Ok(data) => Ok(Self { data, id, sessions }),
            Err(error) => {
                // Without its text, which may hold what is in the session.
                let (line, column) = (error.line(), error.column());
                tracing::warn!(target: "seaworthy::redis", line, column, "a session holds data of another type: it is not used");
                Err(SessionError::Missing)
            }
        }
    }
}

impl<S, T> OptionalFromRequestParts<S> for Session<T>
where
    S: Send + Sync,
    Sessions: FromRef<S>,
    T: DeserializeOwned,
{
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, SessionError> {
        match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Err(SessionError::Missing) => Ok(None),
            session => session.map(Some),
        }
    }
}
