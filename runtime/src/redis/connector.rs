//! How one connection is made: the URL as it is now, the stream, TLS, who is asking, and an answer.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use ::redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, ProtocolVersion, RedisConnectionInfo, RedisError, Value,
    aio::{MultiplexedConnection, PubSub},
    cmd,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::Url;

use super::{
    Settings,
    endpoint::{Endpoint, Stream},
    error,
};
use crate::{Error, Secret, lifecycle::Owner, tls};

/// How long one try may take: to resolve the name, to connect, for TLS and the first answer. Enough for a packet that
/// is sent again after a second.
pub(super) const TRY: Duration = Duration::from_secs(2);

/// Makes connections.
pub(super) struct Connector {
    url: Secret<Url>,
    tls: Option<Arc<ClientConfig>>,
}

/// A connection, and what moves its bytes: it ends when the connection does.
pub(super) struct Connected {
    pub(super) connection: MultiplexedConnection,
    pub(super) driver: Driver,
}

type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why there is no connection, told to a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(super) struct Problem {
    text: String,
    /// Whether to try again is of no use: somebody has to change something.
    pub(super) is_final: bool,
}

// === impl Connector ===

impl Connector {
    /// Reads the certificates, if they are needed.
    pub(super) fn new(settings: &Settings, endpoint: &Endpoint) -> Result<Self, Error> {
        let tls = match endpoint.is_tls {
            true => Some(tls::client_config(settings.certificate.as_deref()).map_err(|error| match error.path() {
                Some(_) => Error::config(format!("{} can't be used: {error}", settings.variable("CERTIFICATE"))),
                None => Error::config(format!("Redis at {endpoint} can't be asked over TLS: {error}")),
            })?),
            false => None,
        };
        Ok(Self { url: settings.url.clone(), tls: tls.map(Arc::new) })
    }

    /// Tries once. A command on the connection may take as long as the time-out, if there is one.
    pub(super) async fn connect(&self, deadline: Instant, timeout: Option<Duration>) -> Result<Connected, Problem> {
        let (endpoint, stream) = self.open(deadline).await?;
        let greeted = timeout_at(deadline, greet(&endpoint, stream, timeout)).await;
        greeted.map_err(|_| Problem::silent())?
    }

    /// Tries once, for a connection that hears what is published.
    pub(super) async fn subscribe(&self, deadline: Instant) -> Result<PubSub, Problem> {
        let (endpoint, stream) = self.open(deadline).await?;
        // The crate has no such connection over the newer protocol.
        let login = endpoint.login().clone().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
        let made = timeout_at(deadline, PubSub::new(&login, stream)).await;
        made.map_err(|_| Problem::silent())?.map_err(|error| Problem::of(&error, &endpoint))
    }

    /// Connects to where the URL points now, over TLS where it says so.
    async fn open(&self, deadline: Instant) -> Result<(Endpoint, Box<dyn Stream>), Problem> {
        let url = self.url.reload().map_err(|error| Problem::passing(error.to_string()))?;
        let endpoint =
            Endpoint::parse(url.expose()).map_err(|what| Problem::last(format!("its URL can't be used: {what}")))?;
        let stream =
            timeout_at(deadline, endpoint.open()).await.map_err(|_| Problem::late("there is no connection"))?;
        let stream = stream.map_err(|error| Problem::passing(error.to_string()))?;
        if !endpoint.is_tls {
            return Ok((endpoint, stream));
        }
        let secured = timeout_at(deadline, self.secure(&endpoint, stream)).await;
        let stream = secured.map_err(|_| Problem::late("it accepted the connection, and doesn't speak TLS"))??;
        Ok((endpoint, stream))
    }

    async fn secure(&self, endpoint: &Endpoint, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, Problem> {
        let Some(tls) = &self.tls else {
            return Err(Problem::last(
                "its URL began to ask for TLS while the service ran: it has to start again".into(),
            ));
        };
        let refused = |error: &dyn fmt::Display| Problem::last(format!("no TLS with it: {error}"));
        let name = ServerName::try_from(endpoint.host()).map_err(|error| refused(&error))?;
        match TlsConnector::from(Arc::clone(tls)).connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => Err(refused(&error)),
            Err(error) => Err(Problem::passing(format!("no TLS with it: {error}"))),
        }
    }
}

/// Says who is asking, chooses the database, and waits for an answer.
///
/// The crate would do so itself, but keeps to itself what the server says: that it has too many clients would be a
/// wrong password.
async fn greet(endpoint: &Endpoint, stream: Box<dyn Stream>, timeout: Option<Duration>) -> Result<Connected, Problem> {
    let config = AsyncConnectionConfig::new().set_response_timeout(timeout).set_connection_timeout(None);
    let nobody = RedisConnectionInfo::default().set_skip_set_lib_name();
    let made = MultiplexedConnection::new_with_config(&nobody, stream, config).await;
    let (mut connection, driver) = made.map_err(|error| Problem::of(&error, endpoint))?;
    let mut driver: Driver = Box::pin(driver);
    let greeting = async {
        if let Some(authentication) = endpoint.authentication() {
            ask(&mut connection, &authentication).await?;
        }
        if endpoint.database() != 0 {
            ask(&mut connection, cmd("SELECT").arg(endpoint.database())).await?;
        }
        if let Some(owner) = Owner::current() {
            // For `CLIENT LIST`. What is answered doesn't matter.
            _ = ask(&mut connection, cmd("CLIENT").arg("SETNAME").arg(owner.about.name)).await;
        }
        match ask(&mut connection, &cmd("PING")).await {
            Err(error) if error::is_alive(&error) && !is_full(&error) => Ok(()),
            answer => answer.map(|_| ()),
        }
    };
    let answer = tokio::select! {
        biased;
        answer = greeting => answer,
        () = &mut driver => return Err(Problem::hung_up(endpoint)),
    };
    answer.map_err(|error| Problem::of(&error, endpoint))?;
    Ok(Connected { connection, driver })
}

/// Sends a command; an error that is answered is one.
pub(super) async fn ask(connection: &mut MultiplexedConnection, command: &Cmd) -> Result<Value, RedisError> {
    connection.send_packed_command(command).await?.extract_error()
}

/// Whether a server has so many clients that it takes no more.
fn is_full(error: &RedisError) -> bool {
    error.detail().is_some_and(|said| said.contains("max number of clients"))
}

// === impl Problem ===

impl Problem {
    fn passing(text: String) -> Self {
        Self { text, is_final: false }
    }

    fn last(text: String) -> Self {
        Self { text, is_final: true }
    }

    fn late(what: &str) -> Self {
        Self::passing(format!("{what} in time"))
    }

    fn silent() -> Self {
        Self::late("it accepted the connection, and doesn't answer")
    }

    fn hung_up(endpoint: &Endpoint) -> Self {
        let hint = if endpoint.is_tls { "" } else { ", as one does that wants TLS (rediss://)" };
        Self::passing(format!("it closed the connection{hint}"))
    }

    /// Of what the server said to the first commands.
    fn of(error: &RedisError, endpoint: &Endpoint) -> Self {
        let said = error.detail().unwrap_or_default();
        // Of a command that it doesn't know a server repeats the arguments, which may be the password.
        let said = said.split_once(", with args").map_or(said, |(said, _)| said);
        match error.code() {
            _ if is_full(error) => Self::passing("it has too many clients".into()),
            Some("WRONGPASS") => Self::last("it refuses the user or the password of its URL".into()),
            Some("NOAUTH") if endpoint.login().password().is_none() => {
                Self::last("it wants a password, and its URL has none".into())
            }
            Some("ERR") if said.contains("AUTH") => Self::last(format!("it refuses the password of its URL: {said}")),
            Some("ERR") if said.contains("HELLO") => {
                Self::last(format!("it doesn't speak the protocol of its URL: {said}"))
            }
            Some("ERR") if said.contains("DB index") || said.contains("SELECT") => {
                Self::last(format!("it has no database {}: {said}", endpoint.database()))
            }
            Some(code) => Self::passing(format!("it answers {code} {said}")),
            None if error.kind() == ErrorKind::AuthenticationFailed => {
                Self::last("it refuses the user or the password of its URL".into())
            }
            None if error.kind() == ErrorKind::Parse => {
                Self::last("what answers is not Redis, or wants TLS (rediss://)".into())
            }
            None if error.is_timeout() => Self::silent(),
            None if error.is_connection_dropped() => Self::hung_up(endpoint),
            None => Self::passing(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::Redis;

    #[tokio::test]
    async fn what_a_server_repeats_of_a_command_that_it_does_not_know_is_not_told() {
        for (unknown, query, expected) in [
            ("AUTH", "", "it refuses the password of its URL: unknown command 'AUTH'"),
            ("HELLO", "?protocol=resp3", "it doesn't speak the protocol of its URL: unknown command 'HELLO'"),
        ] {
            let server = servers::Redis::start_with(&["--rename-command", unknown, ""]);
            let url: Url = format!("redis://:hunter2@{}{query}", server.address()).parse().unwrap();
            let refused = Redis::connect(Settings::new(url)).await.unwrap_err().to_string();
            assert!(refused.ends_with(expected), "{refused}");
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
