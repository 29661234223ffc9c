//! What errors of Redis mean.

use std::{borrow::Cow, error::Error as StdError};

use ::redis::{ErrorKind, RedisError};
use axum::response::{IntoResponse, Response};

use super::{Refused, SessionError};

/// Codes of a server that is there, and can't serve now: a restart, a failover, a script that runs too long.
const NOT_NOW: [&str; 8] =
    ["BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MASTERLINK", "NOREPLICAS", "READONLY", "TRYAGAIN"];

/// Whether Redis is not there, or can't serve now.
pub(crate) fn is_unavailable(error: &RedisError) -> bool {
    match code(error) {
        Some(code) => NOT_NOW.contains(&&*code),
        None => error.is_io_error() || error.kind() == ErrorKind::Parse,
    }
}

/// That there is no connection, so that nothing was sent.
pub(super) fn not_sent(why: String) -> RedisError {
    (ErrorKind::Io, "Redis is not available", why).into()
}

/// Whether what was sent may be done, or be done later: the answer didn't come in time, or the connection was lost.
pub(super) fn may_be_done(error: &RedisError) -> bool {
    // Those of ours, which say why nothing was sent, have a detail; those of the system have none.
    error.is_io_error() && error.detail().is_none()
}

/// Whether an error that answers a PING shows a server that serves.
pub(super) fn is_alive(error: &RedisError) -> bool {
    error.code().is_some_and(|code| code == "READONLY" || code != "NOAUTH" && !NOT_NOW.contains(&code))
}

/// The server's code. Of a pipeline or a transaction it is that of the first command that was refused.
pub(super) fn code(error: &RedisError) -> Option<Cow<'_, str>> {
    match error.code() {
        // Why it was aborted says more than that it was.
        Some("EXECABORT") | None => {
            let errors = error.clone().into_server_errors()?;
            errors.first().map(|(_, error)| Cow::Owned(error.code().to_owned()))
        }
        code => code.map(Cow::Borrowed),
    }
}

/// `error.type`.
pub(super) fn error_type(error: &RedisError) -> Cow<'_, str> {
    code(error).unwrap_or(Cow::Borrowed(match error {
        _ if error.is_timeout() => "timeout",
        _ if error.is_io_error() => "io",
        _ if error.kind() == ErrorKind::Parse => "parse",
        _ => "invalid",
    }))
}

/// The answer of an error that has one of its own.
pub(crate) fn own_answer(error: &(dyn StdError + 'static)) -> Option<Response> {
    if let Some(refused) = error.downcast_ref::<Refused>() {
        return Some(refused.clone().into_response());
    }
    let error: &SessionError = error.downcast_ref()?;
    matches!(error, SessionError::Missing).then(|| SessionError::Missing.into_response())
}

#[cfg(test)]
mod tests {
    use std::io;

    use ::redis::{ServerErrorKind, make_extension_error, pipe};

    use super::*;
    use crate::redis::server::connect;

    fn io(kind: io::ErrorKind) -> RedisError {
        io::Error::from(kind).into()
    }

    fn server(code: &str) -> RedisError {
        make_extension_error(code.into(), Some("said".into()))
    }

    #[test]
    fn a_handler_answers_503_where_redis_is_away_and_500_otherwise() {
        let status = |error: RedisError| crate::Error::from(error).into_response().status();
        let away = [
            io(io::ErrorKind::BrokenPipe),
            io(io::ErrorKind::TimedOut),
            (ErrorKind::Parse, "not Redis").into(),
            (ErrorKind::Server(ServerErrorKind::BusyLoading), "loading").into(),
            (ErrorKind::Server(ServerErrorKind::ReadOnly), "a replica").into(),
            server("MASTERLINK"),
        ];
        for error in away {
            assert_eq!(status(error.clone()), 503, "{error}");
        }
        for code in ["WRONGTYPE", "OOM", "NOPERM"] {
            assert_eq!(status(server(code)), 500, "{code}");
        }
        assert_eq!(status((ErrorKind::UnexpectedReturnType, "not a number").into()), 500);
    }

    #[tokio::test]
    async fn what_keeps_a_pipeline_from_being_done_is_that_of_its_commands() {
        let server = servers::Redis::start();
        let mut redis = connect(&server).await;
        assert_eq!(server.command(&["REPLICAOF", "127.0.0.1", "1"]), "+OK");
        let mut atomic = pipe();
        for pipeline in [pipe().set("a", 1), atomic.atomic().set("a", 1)] {
            let error = pipeline.exec_async(&mut redis).await.unwrap_err();
            assert!(is_unavailable(&error), "{error}");
            assert_eq!(error_type(&error), "READONLY");
        }
        assert_eq!(server.command(&["REPLICAOF", "NO", "ONE"]), "+OK");
        let mistaken = pipe().atomic().cmd("GET").set("a", 1).exec_async(&mut redis).await.unwrap_err();
        assert!(!is_unavailable(&mistaken), "{mistaken}");
    }

    #[test]
    fn an_error_that_redis_is_the_cause_of_is_one_of_redis() {
        #[derive(Debug, thiserror::Error)]
        #[error("there is no session")]
        struct NoSession(#[source] RedisError);

        let error = crate::Error::from(NoSession(io(io::ErrorKind::BrokenPipe)));
        assert_eq!(error.into_response().status(), 503);
    }

    #[test]
    fn an_error_is_called_by_the_code_of_the_server_or_by_what_happened() {
        assert_eq!(error_type(&server("WRONGTYPE")), "WRONGTYPE");
        assert_eq!(error_type(&(ErrorKind::Server(ServerErrorKind::BusyLoading), "loading").into()), "LOADING");
        assert_eq!(error_type(&io(io::ErrorKind::TimedOut)), "timeout");
        assert_eq!(error_type(&io(io::ErrorKind::ConnectionReset)), "io");
        assert_eq!(error_type(&(ErrorKind::Parse, "not Redis").into()), "parse");
        assert_eq!(error_type(&(ErrorKind::Client, "empty command").into()), "invalid");
    }

    #[test]
    fn what_had_no_answer_may_be_done_and_what_was_not_sent_is_not() {
        assert!(may_be_done(&io(io::ErrorKind::TimedOut)));
        assert!(may_be_done(&io(io::ErrorKind::BrokenPipe)));
        assert!(!may_be_done(&not_sent("the connection was closed".into())));
        assert!(!may_be_done(&server("LOADING")));
    }

    #[test]
    fn a_server_that_may_not_be_asked_for_a_ping_is_alive() {
        assert!(is_alive(&server("NOPERM")));
        assert!(!is_alive(&server("NOAUTH")));
        assert!(!is_alive(&server("LOADING")));
        assert!(!is_alive(&io(io::ErrorKind::TimedOut)));
    }
}
