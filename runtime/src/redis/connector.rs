//! How one connection is made: the URL as it is now, the stream, TLS, who is asking, and an answer.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use ::redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, RedisError, Value, aio::MultiplexedConnection, cmd};
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

/// How long one try may take: to resolve the name, to connect, for TLS and the first answer. Enough for a packet that is
/// sent again after a second.
const TRY: Duration = Duration::from_secs(2);

/// Makes connections.
pub(super) struct Connector {
    url: Secret<Url>,
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
}

/// A connection, and what moves its bytes: it ends when the connection does.
pub(super) struct Connected {
    pub(super) connection: MultiplexedConnection,
    pub(super) driver: Pin<Box<dyn Future<Output = ()> + Send>>,
}

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
            true => Some(
                tls::client_config(settings.certificate.as_deref())
                    .map_err(|error| Error::config(format!("Redis at {endpoint} can't be asked over TLS: {error}")))?,
            ),
            false => None,
        };
        Ok(Self { url: settings.url.clone(), tls: tls.map(Arc::new), timeout: settings.timeout })
    }

    /// Tries once.
    pub(super) async fn connect(&self) -> Result<Connected, Problem> {
        let url = self.url.reload().map_err(|error| Problem::passing(error.to_string()))?;
        let endpoint =
            Endpoint::parse(url.expose()).map_err(|what| Problem::last(format!("its URL can't be used: {what}")))?;
        drop(url);
        let deadline = Instant::now() + TRY;
        let late = |what: &str| Problem::passing(format!("{what} within {TRY:?}"));
        let stream = timeout_at(deadline, endpoint.open()).await;
        let mut stream =
            stream.map_err(|_| late("no connection"))?.map_err(|error| Problem::passing(error.to_string()))?;
        if endpoint.is_tls {
            let secured = timeout_at(deadline, self.secure(&endpoint, stream)).await;
            stream = secured.map_err(|_| late("it accepted the connection, and didn't speak TLS"))??;
        }
        let greeted = timeout_at(deadline, self.greet(&endpoint, stream)).await;
        greeted.map_err(|_| late("it accepted the connection, and didn't answer"))?
    }

    async fn secure(&self, endpoint: &Endpoint, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, Problem> {
        let Some(tls) = &self.tls else {
            return Err(Problem::last(
                "its URL began to ask for TLS while the service ran: it has to start again".into(),
            ));
        };
        let refused = |error: &dyn std::fmt::Display| Problem::last(format!("no TLS with it: {error}"));
        let name = ServerName::try_from(endpoint.host()).map_err(|error| refused(&error))?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
        match stream {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => Err(refused(&error)),
            Err(error) => Err(Problem::passing(format!("no TLS with it: {error}"))),
        }
    }

    /// Says who is asking, chooses the database, and waits for an answer.
    async fn greet(&self, endpoint: &Endpoint, stream: Box<dyn Stream>) -> Result<Connected, Problem> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(self.timeout)).set_connection_timeout(None);
        let nothing = RedisConnectionInfo::default().set_skip_set_lib_name();
        let made = MultiplexedConnection::new_with_config(&nothing, stream, config).await;
        let (mut connection, driver) = made.map_err(|error| Problem::of(&error, endpoint))?;
        let mut driver: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(driver);
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
                Err(error) if error::is_alive(&error) => Ok(()),
                answer => answer.map(|_| ()),
            }
        };
        let answer = tokio::select! {
            answer = greeting => answer,
            () = &mut driver => return Err(Problem::passing("it closed the connection".into())),
        };
        answer.map_err(|error| Problem::of(&error, endpoint))?;
        Ok(Connected { connection, driver })
    }
}

/// Sends a command; an error that is answered is one.
pub(super) async fn ask(connection: &mut MultiplexedConnection, command: &Cmd) -> Result<Value, RedisError> {
    connection.send_packed_command(command).await?.extract_error()
}

// === impl Problem ===

impl Problem {
    fn passing(text: String) -> Self {
        Self { text, is_final: false }
    }

    fn last(text: String) -> Self {
        Self { text, is_final: true }
    }

    /// Of what the server answered to the first commands.
    fn of(error: &RedisError, endpoint: &Endpoint) -> Self {
        let said = error.detail().unwrap_or_default();
        match error.code() {
            Some("WRONGPASS") => Self::last("it refuses the user or the password of its URL".into()),
            Some("NOAUTH") if !endpoint.has_password() => {
                Self::last("it wants a password, and its URL has none".into())
            }
            Some("ERR") if said.contains("max number of clients") => Self::passing("it has too many clients".into()),
            Some("ERR") if said.contains("AUTH") || said.contains("Auth") => {
                Self::last(format!("it takes no password: {said}"))
            }
            Some("ERR") if said.contains("DB index") || said.contains("SELECT") => {
                Self::last(format!("it has no database {}: {said}", endpoint.database()))
            }
            Some(code) => Self::passing(format!("it answers {code} {said}")),
            None if error.kind() == ::redis::ErrorKind::Parse => {
                Self::last("what answers is not Redis, or wants TLS (rediss://)".into())
            }
            None if error.is_timeout() => Self::passing("it accepted the connection, and didn't answer".into()),
            None => Self::passing(error.to_string()),
        }
    }
}
