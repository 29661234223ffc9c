//! Why a call failed: what the telemetry calls it, and whether the database is there at all.

use std::{borrow::Cow, io};

use sqlx::Error;

/// A call that took too long. It is within [`Error::Io`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the database did not answer within the time-out of a call")]
struct TimedOut;

/// A call that was not begun. It is within [`Error::Io`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the database does not answer")]
struct Away;

/// The error of a call that took too long.
pub(super) fn timed_out() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, TimedOut))
}

/// The error of a call that is not begun, because the database was away a moment ago.
pub(super) fn away() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::NotConnected, Away))
}

/// Whether it says that the database can't be reached, or can't serve anybody now.
pub(crate) fn is_unavailable(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed => true,
        Error::Database(error) => error.code().is_some_and(|code| {
            // Connections that broke, too many of them, and a server that starts, stops or crashed.
            code.starts_with("08") || code.starts_with("57P0") || code == "53300"
        }),
        _ => false,
    }
}

/// Whether the server may be gone, so that it is to be asked.
pub(super) fn is_suspicious(error: &Error) -> bool {
    is_unavailable(error) && !matches!(error, Error::PoolClosed) && !is_away(error)
}

/// Whether it is that of a call that was not begun.
fn is_away(error: &Error) -> bool {
    inner::<Away>(error)
}

/// Whether the server refused who wanted to connect.
pub(super) fn is_refused_login(error: &Error) -> bool {
    // invalid_password, and invalid_authorization_specification.
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code.starts_with("28"))
}

/// `error.type` of a call that failed, and the status if it is the database that says so. `None` where nothing failed.
pub(super) fn error_type(error: &Error) -> Option<(Cow<'_, str>, bool)> {
    let name = match error {
        Error::RowNotFound => return None,
        Error::Database(error) => {
            let Some(code) = error.code() else { return Some(("database".into(), false)) };
            return Some((code, true));
        }
        Error::Io(_) if inner::<TimedOut>(error) => "timeout",
        Error::Io(_) if inner::<Away>(error) => "unavailable",
        Error::Io(_) => "io",
        Error::PoolTimedOut => "pool_timeout",
        Error::PoolClosed => "pool_closed",
        Error::Tls(_) => "tls",
        Error::Protocol(_) => "protocol",
        Error::Configuration(_) | Error::InvalidArgument(_) => "configuration",
        Error::Encode(_) => "encode",
        Error::Decode(_)
        | Error::ColumnDecode { .. }
        | Error::ColumnNotFound(_)
        | Error::ColumnIndexOutOfBounds { .. }
        | Error::TypeNotFound { .. } => "decode",
        _ => "_OTHER",
    };
    Some((name.into(), false))
}

fn inner<E: std::error::Error + 'static>(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<E>()))
}
