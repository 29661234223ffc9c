//! Why there is no session.

use ::redis::RedisError;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::Error;

/// Why there is no session, or why nothing became of what was asked of it.
///
/// Its answer is the same as a [`seaworthy::Error`](crate::Error), such as `?` makes of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// There is none: no cookie, one that was not signed here, or a session that expired or was ended. Answered with
    /// 401.
    #[error("there is no session")]
    Missing,
    /// The data can't be written as JSON. Answered with 500.
    #[error("the data of the session can't be written as JSON")]
    Data(#[from] serde_json::Error),
    /// Redis didn't do it, or didn't say so. Answered with 503 where Redis is away, with 500 otherwise.
    #[error("sessions can't be reached")]
    Redis(#[from] RedisError),
}

impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        match self {
            Self::Missing => (StatusCode::UNAUTHORIZED, "there is no session").into_response(),
            Self::Data(_) | Self::Redis(_) => Error::from(self).into_response(),
        }
    }
}
