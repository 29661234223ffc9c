//! Why a service can't start, or why a request failed.

use std::{any::Any, error::Error as StdError, fmt};

use axum::response::{IntoResponse, Response};
use http::StatusCode;

/// A `Result` whose error is [`Error`] unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a service can't start, or why a request failed.
///
/// `?` makes one of any [`std::error::Error`]. Returned from the set-up it ends the process: with exit code 69 when it
/// was made by [`unavailable`](Error::unavailable), with 78 by [`config`](Error::config), with 1 otherwise. Returned
/// from a handler it answers 503 or 500, as `unavailable` or not, without saying why to the client; the text goes to the
/// log. What has an answer of its own, such as that there is no session or that a limit is reached, keeps it.
///
/// ```
/// use seaworthy::{Error, Result};
///
/// fn connect() -> Result<std::net::TcpStream> {
///     std::net::TcpStream::connect("127.0.0.1:1").map_err(|error| Error::unavailable("the session store", error))
/// }
/// assert_eq!(connect().unwrap_err().to_string(), "the session store is not available");
/// ```
pub struct Error {
    kind: Kind,
    /// `None` where the cause says it all.
    message: Option<String>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Failed,
    Unavailable,
    Config,
}

impl Error {
    /// The set-up failed: exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, message: Some(message.into()), cause: None }
    }

    /// Something that the service can't start without, or answer this request without, is not there: exit code 69, so that
    /// Kubernetes starts it again later, or 503.
    pub fn unavailable(what: impl fmt::Display, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: Kind::Unavailable, message: Some(format!("{what} is not available")), cause: Some(source.into()) }
    }

    /// The configuration is well-formed but can't be used: exit code 78.
    pub fn config(message: impl Into<String>) -> Self {
        Self { kind: Kind::Config, message: Some(message.into()), cause: None }
    }

    /// Keeps an `Error` as it is; makes one of anything else that can be shown.
    pub(crate) fn from_display<E: fmt::Display + 'static>(error: E) -> Self {
        let mut slot = Some(error);
        match (&mut slot as &mut dyn Any).downcast_mut::<Option<Self>>().and_then(Option::take) {
            Some(error) => error,
            None => Self::failed(slot.map(|error| format!("{error:#}")).unwrap_or_default()),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The error beneath this one.
    pub fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let cause = self.cause.as_deref()?;
        if self.message.is_some() { Some(cause) } else { cause.source() }
    }
}

/// Shows the message; with `{:#}` also what caused it, each after a colon.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.message, &self.cause) {
            (Some(message), _) => f.write_str(message)?,
            (None, Some(cause)) => write!(f, "{cause}")?,
            (None, None) => {}
        }
        if f.alternate() {
            let mut source = self.source();
            while let Some(error) = source {
                write!(f, ": {error}")?;
                source = error.source();
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

/// What an error of a resource means: that it is not there, or anything else.
fn kind_of(error: &(dyn StdError + 'static)) -> Kind {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    if causes.any(is_unavailable) { Kind::Unavailable } else { Kind::Failed }
}

/// Whether a resource says that it is not there.
fn is_unavailable(error: &(dyn StdError + 'static)) -> bool {
    #[cfg(feature = "postgres")]
    if let Some(error) = error.downcast_ref() {
        return crate::postgres::is_unavailable(error);
    }
    #[cfg(feature = "redis")]
    if let Some(error) = error.downcast_ref() {
        return crate::redis::is_unavailable(error);
    }
    let _other = error;
    false
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self { kind: kind_of(&error), message: None, cause: Some(Box::new(error)) }
    }
}

/// The answer of what has one of its own, such as that there is no session: 401.
#[cfg_attr(not(feature = "redis"), expect(unused_variables, reason = "only resources have such errors"))]
fn own_answer(cause: &(dyn StdError + 'static)) -> Option<Response> {
    #[cfg(feature = "redis")]
    return crate::redis::own_answer(cause);
    #[cfg(not(feature = "redis"))]
    None
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let (None, Some(answer)) = (&self.message, self.cause.as_deref().and_then(|cause| own_answer(cause))) {
            return answer;
        }
        match self.kind {
            Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "service unavailable").into_response(),
            Kind::Failed | Kind::Config => (StatusCode::INTERNAL_SERVER_ERROR, "internal server error").into_response(),
        }
    }
}
