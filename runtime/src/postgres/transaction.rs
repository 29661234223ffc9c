//! Transactions.

use std::ops::{Deref, DerefMut};

use sqlx::{Error, PgConnection, PgPool, PgTransaction, SqlStr};

use super::Postgres;

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
    raw: PgTransaction<'static>,
}

// === impl Transaction ===

impl Transaction {
    pub(super) async fn begin(db: &Postgres) -> Result<Self, Error> {
        let raw = db.call(&SqlStr::from_static("BEGIN"), db.take(PgPool::begin)).await?;
        Ok(Self { connection: Connection { db: db.clone(), raw } })
    }

    /// Makes what was done in it last.
    ///
    /// # Errors
    ///
    /// Where the connection breaks or the time is up, nobody knows whether it did: the database may have done it
    /// before.
    pub async fn commit(self) -> Result<(), Error> {
        let Connection { db, raw } = self.connection;
        db.call(&SqlStr::from_static("COMMIT"), raw.commit()).await
    }

    /// Undoes what was done in it, as dropping it does, but waits for it.
    ///
    /// # Errors
    ///
    /// Those of a call. The database undoes it in any case.
    pub async fn rollback(self) -> Result<(), Error> {
        let Connection { db, raw } = self.connection;
        db.call(&SqlStr::from_static("ROLLBACK"), raw.rollback()).await
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
        let Self { db, raw } = self;
        (db, raw)
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
