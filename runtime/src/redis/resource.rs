//! What a service keeps in its state, and sends commands through.

use std::{fmt, sync::Arc};

use ::redis::{
    Cmd, Pipeline, RedisError, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection, PubSub},
    cmd,
};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Dedicated, Settings,
    connector::{Connector, TRY, ask},
    endpoint::Endpoint,
    error,
    link::{Link, NotSent, Pauses},
    names,
    record::{self, Outcome},
};
use crate::{
    Error,
    telemetry::{Database, Operation},
};

/// A connection to Redis that is kept up. Clones share it, and cost next to nothing.
///
/// The [module](super) shows it in a service, and says what is recorded and what happens when Redis goes away.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
    database: Arc<Database>,
    number: i64,
}

// === impl Redis ===

impl Redis {
    /// Connects, and tries again and again for as long as `CONNECT_TIMEOUT` says where Redis is not there yet.
    ///
    /// Blocks for some milliseconds where the URL asks for TLS, to read the certificates.
    ///
    /// # Errors
    ///
    /// That Redis is [not available](Error::unavailable), which ends the process with exit code 69. At once, that it
    /// [can't be used](Error::config) as the settings say, with 78: it refuses the password, has no such database, or
    /// is no Redis; its certificate is not trusted; or the URL makes no sense. The text names host, port and variable,
    /// and shows no password.
    pub async fn connect(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let deadline = Instant::now() + settings.connect_timeout;
        let endpoint = Endpoint::parse(settings.url.expose())
            .map_err(|what| Error::config(format!("{} can't be used: {what}", settings.variable("URL"))))?;
        let connector = Connector::new(&settings, &endpoint)?;
        let mut pauses = Pauses::new();
        let mut told = false;
        let connected = loop {
            let problem = match connector.connect(deadline.min(Instant::now() + TRY), Some(settings.timeout)).await {
                Ok(connected) => break connected,
                Err(problem) => problem,
            };
            let whom = format!("Redis at {endpoint} ({})", settings.variable("URL"));
            if problem.is_final {
                return Err(Error::config(format!("{whom} can't be used: {problem}")));
            }
            let next = Instant::now() + pauses.next();
            if next >= deadline {
                return Err(Error::unavailable(whom, problem));
            }
            if !told {
                told = true;
                tracing::warn!(target: "seaworthy::redis", "waiting for {whom}: {problem}");
            }
            sleep_until(next).await;
        };
        let number = endpoint.database();
        let database = Database::new("redis", &number.to_string(), &endpoint.host(), endpoint.port());
        let link = Link::new(connector, connected, settings.timeout, endpoint.to_string());
        Ok(Self { link: Arc::new(link), database: Arc::new(database), number })
    }

    /// Opens a connection of one's own, for what holds up all that comes after it or changes what the connection means:
    /// `BLPOP` and other commands that wait, `XREAD` with `BLOCK`, `WATCH`.
    ///
    /// A command on it may take as long as it takes: no time-out ends it, but that of the request that waits for it.
    /// When the connection is lost, all its commands fail; where the server is gone without a word, within a minute. A
    /// worker opens another one when it is started again:
    ///
    /// ```
    /// use seaworthy::{prelude::*, redis::{self, Redis}};
    ///
    /// /// Tells what comes.
    /// #[worker]
    /// async fn tell(State(redis): State<Redis>, mut shutdown: Shutdown) -> Result<()> {
    ///     let mut connection = redis.dedicated().await?;
    ///     let mut next = redis::cmd("BLPOP");
    ///     next.arg("jobs").arg(0);
    ///     loop {
    ///         let (_, job): (String, String) = tokio::select! {
    ///             () = &mut shutdown => return Ok(()),
    ///             job = next.query_async(&mut connection) => job?,
    ///         };
    ///         seaworthy::tracing::info!(job);
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// That there is no connection, within 2 s.
    pub async fn dedicated(&self) -> Result<Dedicated, RedisError> {
        self.check_open()?;
        let connected = self.link.connector.connect(Instant::now() + TRY, None).await;
        let connected = connected.map_err(|problem| self.link.disconnected(&problem.to_string()).error)?;
        let driver = AbortOnDropHandle::new(tokio::spawn(connected.driver));
        Ok(Dedicated::new(connected.connection, driver, Arc::clone(&self.database), self.number))
    }

    /// Opens a connection that hears what is published: the crate's own, of which nothing is recorded. When it is lost,
    /// its stream ends.
    ///
    /// # Errors
    ///
    /// That there is no connection, within 2 s.
    pub async fn pub_sub(&self) -> Result<PubSub, RedisError> {
        self.check_open()?;
        let made = self.link.connector.subscribe(Instant::now() + TRY).await;
        made.map_err(|problem| self.link.disconnected(&problem.to_string()).error)
    }

    /// Closes the connection, once what was sent is answered. Commands that come later fail at once.
    ///
    /// For [`Service::on_close`](crate::Service::on_close): `.on_close("redis", redis.clone().close())`. Connections of
    /// [`dedicated`](Self::dedicated) are closed by who has them.
    pub async fn close(self) {
        self.link.close().await;
    }

    /// Asks for an answer, without a span or a metric.
    pub(super) async fn ping(&self) -> Result<(), RedisError> {
        let mut connection = self.link.connection().await.map_err(|not_sent| not_sent.error)?;
        match ask(&mut connection, &cmd("PING")).await {
            Err(error) if !error::is_alive(&error) => {
                self.link.doubt();
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// The connection itself, for what goes on all day: without spans and metrics.
    pub(super) async fn quiet(&self) -> Result<MultiplexedConnection, RedisError> {
        self.link.connection().await.map_err(|not_sent| not_sent.error)
    }

    /// Has the connection looked at, where an error makes it doubtful.
    pub(super) fn doubt(&self, error: &RedisError) {
        if error.is_timeout() {
            self.link.doubt();
        } else if error.code() == Some("READONLY") {
            self.link.leave_reader();
        }
    }

    fn check_open(&self) -> Result<(), RedisError> {
        if self.link.is_closed() { Err(self.link.closed().error) } else { Ok(()) }
    }

    async fn send(&self, command: &Cmd) -> Result<Value, RedisError> {
        let name = names::of(command);
        names::check_shared(&name, command)?;
        let operation = self.database.begin(name, |_| ());
        let (mut connection, operation) = self.connection(operation).await?;
        let answer = connection.send_packed_command(command).await;
        self.heed(record::end(operation, answer.as_ref().map(std::slice::from_ref)));
        answer
    }

    async fn send_all(&self, pipeline: &Pipeline, offset: usize, count: usize) -> Result<Vec<Value>, RedisError> {
        pipeline.cmd_iter().try_for_each(|command| names::check_shared(&names::of(command), command))?;
        let operation = record::begin(&self.database, pipeline);
        let (mut connection, operation) = self.connection(operation).await?;
        let answers = connection.send_packed_commands(pipeline, offset, count).await;
        self.heed(record::end_all(operation, pipeline, &answers));
        answers
    }

    async fn connection(&self, operation: Operation) -> Result<(MultiplexedConnection, Operation), RedisError> {
        match self.link.connection().await {
            Ok(connection) => Ok((connection, operation)),
            Err(NotSent { error_type, error }) => {
                operation.fail(error_type, None);
                Err(error)
            }
        }
    }

    /// Draws the keeper's attention to what an outcome may mean for the connection.
    fn heed(&self, outcome: Outcome) {
        match outcome {
            Outcome::TimedOut => self.link.doubt(),
            Outcome::ReadOnly => self.link.leave_reader(),
            Outcome::Other => {}
        }
    }
}

impl ConnectionLike for Redis {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.send(command))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(self.send_all(pipeline, offset, count))
    }

    fn get_db(&self) -> i64 {
        self.number
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.database).finish()
    }
}
