//! `&Postgres` as an executor of sqlx's.

use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sqlx::{
    Either, Error, Execute, Executor, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::sync::mpsc;

use super::{Connection, Postgres, observed::Rows, statement::Statement};

type Step = Either<PgQueryResult, PgRow>;

impl<'p> Executor<'p> for &'_ Postgres {
    type Database = sqlx::Postgres;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<PgQueryResult, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let (db, statement) = (self.clone(), Statement::new(query));
        Box::pin(async move {
            let sql = statement.sql.clone();
            db.call(&sql, async { (&mut *db.acquire().await?).execute(statement).await }).await
        })
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let (db, statement) = (self.clone(), Statement::new(query));
        let sql = statement.sql.clone();
        Rows::new(db.clone(), sql, stream_of(db, statement)).boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let (db, statement) = (self.clone(), Statement::new(query));
        Box::pin(async move {
            let sql = statement.sql.clone();
            db.call(&sql, async { (&mut *db.acquire().await?).fetch_all(statement).await }).await
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let (db, statement) = (self.clone(), Statement::new(query));
        Box::pin(async move {
            let sql = statement.sql.clone();
            db.call(&sql, async { (&mut *db.acquire().await?).fetch_optional(statement).await }).await
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, types: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        let db = self.clone();
        Box::pin(async move {
            let text = sql.clone();
            db.call(&text, async { (&mut *db.acquire().await?).prepare_with(sql, types).await }).await
        })
    }

    #[doc(hidden)]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<sqlx::Postgres>, Error>>
    where
        'p: 'e,
    {
        let db = self.clone();
        Box::pin(async move { (&mut *db.acquire().await?).describe(sql).await })
    }
}

/// The rows of a connection that the stream has for itself: its own borrow of it can't leave the future that has it, so
/// they are handed over, one at a time.
fn stream_of<'e>(db: Postgres, statement: Statement) -> BoxStream<'e, Result<Step, Error>> {
    let (out, mut rows) = mpsc::channel(1);
    let work = async move {
        let mut connection = match db.acquire().await {
            Ok(connection) => connection,
            Err(error) => return drop(out.send(Err(error)).await),
        };
        let mut steps = connection.fetch_many(statement);
        while let Some(step) = steps.next().await {
            if out.send(step).await.is_err() {
                return;
            }
        }
    };
    let mut work = Box::pin(work.fuse());
    stream::poll_fn(move |cx| {
        // Its end closes the channel.
        let _unfinished = work.poll_unpin(cx);
        rows.poll_recv(cx)
    })
    .boxed()
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = sqlx::Postgres;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<PgQueryResult, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let statement = Statement::new(query);
        Box::pin(async move {
            let (db, raw) = self.parts();
            let sql = statement.sql.clone();
            db.call(&sql, raw.execute(statement)).await
        })
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let statement = Statement::new(query);
        let sql = statement.sql.clone();
        let (db, raw) = self.parts();
        Rows::new(db.clone(), sql, raw.fetch_many(statement)).boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let statement = Statement::new(query);
        Box::pin(async move {
            let (db, raw) = self.parts();
            let sql = statement.sql.clone();
            db.call(&sql, raw.fetch_all(statement)).await
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let statement = Statement::new(query);
        Box::pin(async move {
            let (db, raw) = self.parts();
            let sql = statement.sql.clone();
            db.call(&sql, raw.fetch_optional(statement)).await
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, types: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let (db, raw) = self.parts();
            let text = sql.clone();
            db.call(&text, raw.prepare_with(sql, types)).await
        })
    }

    #[doc(hidden)]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<sqlx::Postgres>, Error>>
    where
        'c: 'e,
    {
        self.parts().1.describe(sql)
    }
}
