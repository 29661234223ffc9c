//! What errors of Redis mean.

use std::error::Error as StdError;

use ::redis::{ErrorKind, RedisError, ServerError};

/// Codes of a server that is there, and can't serve now: a restart, a failover, a script that runs too long.
const NOT_NOW: [&str; 8] =
    ["BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MASTERLINK", "NOREPLICAS", "READONLY", "TRYAGAIN"];

/// Whether an error, or what caused it, is one of Redis that says that Redis is not there.
pub(crate) fn is_unavailable(error: &(dyn StdError + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.find_map(|error| error.downcast_ref::<RedisError>()).is_some_and(is_away)
}

fn is_away(error: &RedisError) -> bool {
    match error.code() {
        Some(code) => NOT_NOW.contains(&code),
        None => error.is_io_error() || error.is_connection_dropped() || error.kind() == ErrorKind::Parse,
    }
}

/// Whether the answer to a PING, although an error, shows a server that serves.
pub(super) fn is_alive(error: &RedisError) -> bool {
    error.code().is_some_and(|code| code != "NOAUTH" && !NOT_NOW.contains(&code))
}

/// `error.type` of an error that is no answer.
pub(super) fn error_type(error: &RedisError) -> &str {
    match error.code() {
        Some(code) => code,
        None if error.is_timeout() => "timeout",
        None if error.is_io_error() => "io",
        None if error.kind() == ErrorKind::Parse => "parse",
        None => "invalid",
    }
}

/// The server's code, without the text, which may hold keys.
pub(super) fn code(error: &ServerError) -> &str {
    error.code()
}
