//! Transactions.

use std::ops::{Deref, DerefMut};

use sqlx::{Database, Error, PgConnection, SqlStr};
use sqlx_core::transaction::TransactionManager;

use super::{Postgres, lent::Lent};

type Manager = <sqlx::Postgres as Database>::TransactionManager;

/// A transaction: what [`Postgres::begin`] gives. Dropped before its [`commit`](Self::commit), it is rolled back.
///
/// Statements are executed as in sqlx's own, by `&mut *transaction`, and recorded. Where sqlx's types are asked for,
/// `&mut transaction` gives its [`PgConnection`], whose statements are not recorded:
///
/// ```no_run
/// # use seaworthy::{postgres::Postgres, sqlx::{self, Acquire, PgConnection}};
/// # async fn store(_: &mut PgConnection) -> Result<(), sqlx::Error> { Ok(()) }
/// # async fn example(db: Postgres) -> Result<(), sqlx::Error> {
/// let mut transaction = db.begin().await?;
/// sqlx::query("DELETE FROM baskets").execute(&mut *transaction).await?;
/// store(&mut transaction).await?;
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "what is not committed is rolled back"]
pub struct Transaction {
    connection: Connection,
}

/// The connection of a [`Transaction`]. A `&mut Connection` is an [`sqlx::Executor`].
#[derive(Debug)]
pub struct Connection {
    db: Postgres,
    raw: Lent,
    /// Whether the database said that it is one.
    is_begun: bool,
}

// === impl Transaction ===

impl Transaction {
    pub(super) async fn begin(db: &Postgres) -> Result<Self, Error> {
        let begin = async {
            let mut connection = Connection { db: db.clone(), raw: db.acquire().await?, is_begun: false };
            Manager::begin(&mut connection, None).await?;
            connection.is_begun = true;
            Ok(Self { connection })
        };
        db.call(db.operation(&SqlStr::from_static("BEGIN")), begin).await
    }

    /// Makes what was done in it last.
    ///
    /// # Errors
    ///
    /// Where the connection breaks or the time is up, nobody knows whether it did: the database may have done it
    /// before.
    pub async fn commit(mut self) -> Result<(), Error> {
        let (db, raw) = self.connection.parts();
        db.call(db.operation(&SqlStr::from_static("COMMIT")), Manager::commit(raw)).await
    }

    /// Undoes what was done in it, as dropping it does, but waits for it.
    ///
    /// # Errors
    ///
    /// Those of a call. The database undoes it in any case.
    pub async fn rollback(mut self) -> Result<(), Error> {
        let (db, raw) = self.connection.parts();
        db.call(db.operation(&SqlStr::from_static("ROLLBACK")), Manager::rollback(raw)).await
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

// === impl Connection ===

impl Connection {
    /// Whose it is, and sqlx's own.
    pub(super) fn parts(&mut self) -> (&Postgres, &mut PgConnection) {
        let Self { db, raw, is_begun: _ } = self;
        (db, raw)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        match self.is_begun {
            // Nothing, if it ended.
            true => Manager::start_rollback(&mut self.raw),
            // Its `BEGIN` may be on its way: sqlx would not know of it, and the next call would be in a transaction
            // that nobody commits.
            false => self.raw.spoil(),
        }
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.raw
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.raw
    }
}
