//! What a service keeps in its state, and sends commands through.

use std::sync::Arc;

use ::redis::{
    Cmd, Pipeline, RedisError, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cmd,
};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{
    Settings,
    connector::{Connector, ask},
    endpoint::Endpoint,
    error,
    link::{Link, Pauses},
    names,
};
use crate::{
    Error,
    telemetry::{Attribute, Database, Operation},
};

/// A connection to Redis that is kept up. Clones share it.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
    database: Arc<Database>,
    number: i64,
}

// === impl Redis ===

impl Redis {
    /// Connects, and waits for Redis for as long as the settings say.
    ///
    /// # Errors
    ///
    /// That Redis is not available (exit code 69), or that the settings can't be used (78).
    pub async fn connect(settings: Settings) -> Result<Self, Error> {
        let deadline = Instant::now() + settings.connect_timeout;
        let endpoint = Endpoint::parse(settings.url.expose())
            .map_err(|what| Error::config(format!("the URL of Redis can't be used: {what}")))?;
        let name = endpoint.to_string();
        let connector = Connector::new(&settings, &endpoint)?;
        let mut pauses = Pauses::new();
        let mut told = false;
        let connected = loop {
            let problem = match timeout_at(deadline, connector.connect()).await {
                Ok(Ok(connected)) => break connected,
                Ok(Err(problem)) if problem.is_final => {
                    return Err(Error::config(format!("Redis at {name} can't be used: {problem}")));
                }
                Ok(Err(problem)) => problem.to_string(),
                Err(_) => "it doesn't answer".into(),
            };
            let next = Instant::now() + pauses.next();
            if next >= deadline {
                return Err(Error::unavailable(format_args!("Redis at {name}"), problem));
            }
            if !told {
                told = true;
                tracing::warn!(target: "seaworthy::redis", "waiting for Redis at {name}: {problem}");
            }
            sleep_until(next).await;
        };
        let number = endpoint.database();
        let database = Arc::new(Database::new("redis", &number.to_string(), &endpoint.host(), endpoint.port()));
        let link = Arc::new(Link::new(connector, connected, settings.timeout, name));
        Ok(Self { link, database, number })
    }

    /// Asks for an answer, without a span or a metric.
    pub(crate) async fn ping(&self) -> Result<(), RedisError> {
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
        }
    }

    /// Closes the connection, once what was sent is answered. Commands that come later fail at once.
    pub async fn close(self) {
        self.link.close().await;
    }

    async fn send(&self, command: &Cmd) -> Result<Value, RedisError> {
        let operation = self.database.begin(names::of(command), |_| ());
        let mut connection = match self.link.connection().await {
            Ok(connection) => connection,
            Err(not_sent) => {
                operation.fail(not_sent.error_type, None);
                return Err(not_sent.error);
            }
        };
        let answer = connection.send_packed_command(command).await;
        self.record(operation, answer.as_ref().map(std::slice::from_ref));
        answer
    }

    async fn send_all(&self, pipeline: &Pipeline, offset: usize, count: usize) -> Result<Vec<Value>, RedisError> {
        let name = if pipeline.is_transaction() { "MULTI" } else { "PIPELINE" };
        let operation = self.database.begin(name, |span| {
            if let Ok(size @ 2..) = i64::try_from(pipeline.len()) {
                span.attribute("db.operation.batch.size", Attribute::Int(size));
            }
        });
        let mut connection = match self.link.connection().await {
            Ok(connection) => connection,
            Err(not_sent) => {
                operation.fail(not_sent.error_type, None);
                return Err(not_sent.error);
            }
        };
        let answers = connection.send_packed_commands(pipeline, offset, count).await;
        self.record(operation, answers.as_deref());
        answers
    }

    fn record(&self, operation: Operation, answers: Result<&[Value], &RedisError>) {
        let refused = match answers {
            Err(error) => {
                if error.is_timeout() {
                    self.link.doubt();
                }
                return operation.fail(error::error_type(error), error.code());
            }
            Ok(answers) => answers.iter().find_map(|answer| match answer {
                Value::ServerError(refused) => Some(refused),
                _ => None,
            }),
        };
        match refused.map(error::code) {
            Some(code) => operation.fail(code, Some(code)),
            None => operation.end(),
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

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Redis").field(&self.database).finish()
    }
}
