//! Connections of the pool's, and how they get back to it.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use sqlx::{PgConnection, pool::PoolConnection};
use tokio::time::timeout;

/// A connection that is lent. Dropped, it is given back if it is ready again in time, and else closed.
///
/// What a call left behind that was cancelled, such as the rest of its answer, comes first then, and sqlx asks the
/// server whether it is still there. It would wait for that for as long as TCP tries, a quarter of an hour where the
/// server is gone without a word, and the pool would be without the connection for as long.
#[derive(Debug)]
pub(super) struct Lent {
    connection: PoolConnection<sqlx::Postgres>,
    limit: Duration,
    is_spoilt: bool,
}

// === impl Lent ===

impl Lent {
    pub(super) fn new(connection: PoolConnection<sqlx::Postgres>, limit: Duration) -> Self {
        Self { connection, limit, is_spoilt: false }
    }

    /// Nobody else is to have it: it is closed instead.
    pub(super) fn spoil(&mut self) {
        self.is_spoilt = true;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.is_spoilt {
            self.connection.close_on_drop();
        } else {
            tokio::spawn(timeout(self.limit, self.connection.return_to_pool()));
        }
    }
}

impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
