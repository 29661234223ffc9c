//! A connection of one's own.

use std::{fmt, sync::Arc};

use ::redis::{
    Cmd, Pipeline, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use tokio_util::task::AbortOnDropHandle;

use super::{names, record};
use crate::telemetry::Database;

/// A connection of one's own, from [`Redis::dedicated`](super::Redis::dedicated): what is sent on it is recorded as on
/// any other. It is closed with its last clone, and not made anew when it is lost.
#[derive(Clone)]
pub struct Dedicated {
    connection: MultiplexedConnection,
    /// Ends the connection when it is dropped, whatever it waits for.
    _driver: Arc<AbortOnDropHandle<()>>,
    database: Arc<Database>,
    number: i64,
}

// === impl Dedicated ===

impl Dedicated {
    pub(super) fn new(
        connection: MultiplexedConnection,
        driver: AbortOnDropHandle<()>,
        database: Arc<Database>,
        number: i64,
    ) -> Self {
        Self { connection, _driver: Arc::new(driver), database, number }
    }
}

impl ConnectionLike for Dedicated {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let operation = self.database.begin(names::of(command), |_| ());
            let answer = self.connection.send_packed_command(command).await;
            record::end(operation, answer.as_ref().map(std::slice::from_ref));
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let operation = record::begin(&self.database, pipeline);
            let answers = self.connection.send_packed_commands(pipeline, offset, count).await;
            record::end_all(operation, pipeline, &answers);
            answers
        })
    }

    fn get_db(&self) -> i64 {
        self.number
    }
}

impl fmt::Debug for Dedicated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dedicated").field(&self.database).finish()
    }
}
