//! Why a call failed.

use std::error::Error as StdError;

use super::redaction;
use crate::telemetry::Failed;

/// Why a call failed, or why there is no client.
///
/// No text of it, nor of what caused it, holds the credentials of a URL: see the [module](super).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client can't be made: the system's certificates or a setting can't be used.
    #[error("the HTTP client can't be set up")]
    Setup(#[source] Box<dyn StdError + Send + Sync>),
    /// There is no answer: no connection, too late, or a request that can't be sent. reqwest's error tells which.
    #[error(transparent)]
    Request(reqwest::Error),
    /// The service is about to exit, and the call was not begun: nothing was sent.
    #[error("the call was not begun: the service is shutting down")]
    ShuttingDown,
    /// The call was cut by the shutdown: the server may or may not have done what it was asked for.
    #[error("the call was cut: the service is shutting down")]
    Cut,
}

// === impl Error ===

impl Error {
    /// Of reqwest's error, which shows its URL.
    pub(super) fn without_secrets(mut error: reqwest::Error) -> Self {
        if let Some(url) = error.url_mut() {
            redaction::redact(url);
        }
        Self::Request(error)
    }
}

/// What the telemetry calls it.
pub(super) fn failed(error: &reqwest::Error) -> Failed {
    // A connection that took too long is both.
    match error {
        _ if error.is_timeout() => Failed::TimedOut,
        _ if error.is_dns() => Failed::Dns,
        _ if error.is_connect() => Failed::Connect,
        _ if error.is_redirect() => Failed::Redirect,
        _ if error.is_builder() => Failed::Invalid,
        _ => Failed::Request,
    }
}
