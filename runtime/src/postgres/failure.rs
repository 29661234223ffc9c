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
        Error::Io(_) => !is_tls(error),
        Error::PoolTimedOut | Error::PoolClosed => true,
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

/// Whether TLS could not be agreed on: a certificate that is not trusted is an error of the socket to sqlx.
pub(super) fn is_tls(error: &Error) -> bool {
    matches!(error, Error::Tls(_)) || inner::<rustls::Error>(error)
}

/// Whether it says that there is no server, or that it serves nobody: not that it has enough connections.
pub(super) fn is_absence(error: &Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    is_unavailable(error) && code.is_none_or(|code| code != "53300")
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
        Error::Io(_) if is_tls(error) => "tls",
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

#[cfg(test)]
mod tests {
    use std::{error::Error as StdError, fmt};

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;
    use crate::error::Kind;

    /// What a database says.
    #[derive(Debug)]
    struct Said(&'static str);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Said {}

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn said(code: &'static str) -> Error {
        Error::Database(Box::new(Said(code)))
    }

    fn io(inner: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::Io(io::Error::other(inner))
    }

    #[test]
    fn each_failure_has_a_name_and_some_say_that_the_database_is_not_there() {
        let certificate = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        for (error, name, unavailable) in [
            (said("23505"), "23505", false),
            (said("28P01"), "28P01", false),
            (said("40001"), "40001", false),
            (said("57014"), "57014", false),
            (said("08006"), "08006", true),
            (said("53300"), "53300", true),
            (said("57P01"), "57P01", true),
            (said("57P03"), "57P03", true),
            (timed_out(), "timeout", true),
            (away(), "unavailable", true),
            (io("reset"), "io", true),
            (io(certificate), "tls", false),
            (Error::Tls("none".into()), "tls", false),
            (Error::PoolTimedOut, "pool_timeout", true),
            (Error::PoolClosed, "pool_closed", true),
            (Error::Protocol("odd".into()), "protocol", false),
            (Error::Encode("no".into()), "encode", false),
            (Error::ColumnNotFound("id".into()), "decode", false),
            (Error::WorkerCrashed, "_OTHER", false),
        ] {
            let is_status = matches!(error, Error::Database(_));
            assert_eq!(error_type(&error), Some((name.into(), is_status)), "{error}");
            let kind = if unavailable { Kind::Unavailable } else { Kind::Failed };
            assert_eq!(crate::Error::from(error).kind(), kind, "{name}");
        }
        assert_eq!(error_type(&Error::RowNotFound), None);
    }

    #[test]
    fn what_a_users_error_is_made_of_counts() {
        #[derive(Debug, thiserror::Error)]
        #[error("the order is not kept")]
        struct NotKept(#[source] Error);
        assert_eq!(crate::Error::from(NotKept(Error::PoolTimedOut)).kind(), Kind::Unavailable);
        assert_eq!(crate::Error::from(NotKept(said("23505"))).kind(), Kind::Failed);
    }

    #[test]
    fn a_server_is_asked_where_it_may_be_gone() {
        for error in [io("reset"), timed_out(), Error::PoolTimedOut, said("57P01"), said("53300")] {
            assert!(is_suspicious(&error), "{error}");
        }
        for error in [away(), Error::PoolClosed, said("23505"), Error::RowNotFound] {
            assert!(!is_suspicious(&error), "{error}");
        }
        assert!(is_absence(&said("57P03")) && is_absence(&io("refused")));
        assert!(!is_absence(&said("53300")), "it is there, and has enough connections");
        assert!(!is_absence(&said("28P01")));
    }
}
