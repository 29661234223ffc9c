//! `&Postgres` as an executor of sqlx's.

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use sqlx::{
    Either, Error, Execute, Executor, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use sqlx_core::ext::async_stream::TryAsyncStream;

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
            let operation = db.operation(&statement.sql);
            db.call(operation, async { (&mut *db.acquire().await?).execute(statement).await }).await
        })
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        Rows::new(self, Statement::new(query), |statement| stream_of(self.clone(), statement)).boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let (db, statement) = (self.clone(), Statement::new(query));
        Box::pin(async move {
            let operation = db.operation(&statement.sql);
            db.call(operation, async { (&mut *db.acquire().await?).fetch_all(statement).await }).await
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let (db, statement) = (self.clone(), Statement::new(query));
        Box::pin(async move {
            let operation = db.operation(&statement.sql);
            db.call(operation, async { (&mut *db.acquire().await?).fetch_optional(statement).await }).await
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, types: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        let db = self.clone();
        Box::pin(async move {
            let operation = db.operation(&sql);
            db.call(operation, async { (&mut *db.acquire().await?).prepare_with(sql, types).await }).await
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

/// The rows of a connection that the stream has for itself.
fn stream_of<'e>(db: Postgres, statement: Statement) -> TryAsyncStream<'e, Step> {
    TryAsyncStream::new(|out| async move {
        let mut connection = db.acquire().await?;
        let mut steps = connection.fetch_many(statement);
        while let Some(step) = steps.try_next().await? {
            out.r#yield(step).await;
        }
        Ok(())
    })
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
            let operation = db.operation(&statement.sql);
            db.call(operation, raw.execute(statement)).await
        })
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let (db, raw) = self.parts();
        Rows::new(db, Statement::new(query), |statement| raw.fetch_many(statement)).boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, sqlx::Postgres>,
    {
        let statement = Statement::new(query);
        Box::pin(async move {
            let (db, raw) = self.parts();
            let operation = db.operation(&statement.sql);
            db.call(operation, raw.fetch_all(statement)).await
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
            let operation = db.operation(&statement.sql);
            db.call(operation, raw.fetch_optional(statement)).await
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, types: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let (db, raw) = self.parts();
            let operation = db.operation(&sql);
            db.call(operation, raw.prepare_with(sql, types)).await
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
