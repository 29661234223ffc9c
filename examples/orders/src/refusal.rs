//! How requests fail: what the client did wrong, in words, and what is wrong with us, without.

use std::fmt;

use seaworthy::{
    Error,
    axum::response::{IntoResponse, Response},
    prelude::*,
    redis::{Refused, SessionError},
};
use serde::Serialize;

/// Why a request was refused.
pub(crate) enum Refusal {
    /// What was sent makes no sense.
    Invalid(&'static str),
    /// There is no such thing.
    NotFound,
    /// The customer asks too often.
    TooMany(Refused),
    /// We failed: 503 where Postgres or Redis is away, else 500. Why is in the log.
    Failed(Error),
}

/// A problem, by RFC 9457.
#[derive(Serialize)]
struct Problem {
    status: u16,
    title: &'static str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = |status: StatusCode, title| {
            let problem = Json(Problem { status: status.as_u16(), title });
            (status, [("content-type", "application/problem+json")], problem).into_response()
        };
        match self {
            Self::Invalid(what) => problem(StatusCode::UNPROCESSABLE_ENTITY, what),
            Self::NotFound => problem(StatusCode::NOT_FOUND, "there is no such order"),
            Self::TooMany(refused) => refused.into_response(),
            Self::Failed(error) => error.into_response(),
        }
    }
}

/// For the log.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(what) => f.write_str(what),
            Self::NotFound => f.write_str("not found"),
            Self::TooMany(refused) => refused.fmt(f),
            Self::Failed(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::TooMany(refused)
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<SessionError> for Refusal {
    fn from(error: SessionError) -> Self {
        Self::Failed(error.into())
    }
}
