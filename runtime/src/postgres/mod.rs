//! PostgreSQL: [sqlx]'s pool, traced, measured, and aware of what happens to servers.
//!
//! A [`Postgres`] is made once, in the set-up, and lives in the service's state: its clones share one pool of connections.
//! Statements are written as with sqlx.
//!
//! ```no_run
//! use seaworthy::{postgres::{self, Postgres}, prelude::*, sqlx};
//!
//! /// Settings of the shop.
//! #[config(env)]
//! struct Config {
//!     #[config(flatten, env = "DATABASE")]
//!     database: postgres::Settings,
//! }
//!
//! #[derive(Clone, FromRef)]
//! struct App {
//!     db: Postgres,
//! }
//!
//! /// Tells what an article costs.
//! #[handler]
//! async fn price(State(db): State<Postgres>, Path(article): Path<i64>) -> Result<String> {
//!     let price: i64 = sqlx::query_scalar("SELECT price FROM articles WHERE id = $1").bind(article).fetch_one(&db).await?;
//!     Ok(price.to_string())
//! }
//!
//! /// Sells an article: it is there once less, and there is an order more.
//! #[handler]
//! async fn buy(State(db): State<Postgres>, Path(article): Path<i64>) -> Result<StatusCode> {
//!     let mut transaction = db.begin().await?;
//!     sqlx::query("UPDATE articles SET left = left - 1 WHERE id = $1").bind(article).execute(&mut *transaction).await?;
//!     sqlx::query("INSERT INTO orders (article) VALUES ($1)").bind(article).execute(&mut *transaction).await?;
//!     transaction.commit().await?;
//!     Ok(StatusCode::CREATED)
//! }
//!
//! /// Sells articles.
//! #[cloud_service(ready(postgres::ready))]
//! async fn main(config: Config) -> Result<Service<App>> {
//!     let db = Postgres::connect(config.database).await?;
//!     let routes = Router::new().route("/articles/{article}", get(price).post(buy));
//!     Ok(Service::new(App { db: db.clone() }).http(routes).on_close("postgres", db.close()))
//! }
//! ```

mod connect;
mod credentials;
mod executor;
mod failure;
mod observed;
mod outage;
mod settings;
mod statement;
mod transaction;

use std::{future::Future, sync::Arc, time::Duration};

use axum::extract::{FromRef, State};
use sqlx::{Connection as _, PgPool, pool::PoolConnection};

pub(crate) use self::failure::is_unavailable;
use self::{credentials::Credentials, outage::Outage, settings::Place};
pub use self::{
    settings::Settings,
    transaction::{Connection, Transaction},
};
use crate::{
    Check, Error,
    probe::{Outcome, Readiness},
    telemetry::Database,
};

/// How long closing waits for connections that are in use: less than all that is closed has together.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A pool of connections to a database. Clones share it.
///
/// The [module](self) shows it in a service, and says what is recorded and what happens while the server is away.
///
/// A `&Postgres` is an [`sqlx::Executor`], as a `&PgPool` is.
#[derive(Clone, Debug)]
pub struct Postgres {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    place: Place,
    timeout: Duration,
    /// Whether spans have the text of statements.
    query_text: bool,
    database: Arc<Database>,
    credentials: Credentials,
    outage: Outage,
}

// === impl Postgres ===

impl Postgres {
    /// Connects, and waits for a database that is not there yet, for `CONNECT_TIMEOUT` at most.
    ///
    /// # Errors
    ///
    /// - [`Error::unavailable`], if nothing answered in time: exit code 69.
    /// - [`Error::config`], if waiting would be in vain: the URL can't be used, the server refuses its user or its password,
    ///   there is no such database, or the URL asks for TLS and the server has none. Exit code 78.
    ///
    /// Neither shows user or password.
    pub async fn connect(settings: Settings) -> Result<Self, Error> {
        connect::connect(settings).await
    }

    /// The pool itself, for what this type has not: nothing that is done with it is recorded.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    /// Begins a transaction. Dropped before [`commit`](Transaction::commit), it is rolled back.
    ///
    /// # Errors
    ///
    /// Those of a call: see the [module](self).
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        Transaction::begin(self).await
    }

    /// Closes all connections, and waits 2 s at most for those that are in use. A call that comes later fails at once, with
    /// [`sqlx::Error::PoolClosed`].
    ///
    /// ```no_run
    /// # use seaworthy::{postgres::Postgres, prelude::*};
    /// # fn service(db: Postgres) -> Service<Postgres> {
    /// Service::new(db.clone()).on_close("postgres", db.close())
    /// # }
    /// ```
    pub async fn close(self) {
        if tokio::time::timeout(CLOSE_TIMEOUT, self.inner.pool.close()).await.is_err() {
            tracing::warn!(target: "seaworthy::postgres", "connections to {} are still in use", self.inner.place);
        }
    }

    /// Takes a connection from the pool, or opens one.
    async fn acquire(&self) -> Result<PoolConnection<sqlx::Postgres>, sqlx::Error> {
        self.take(PgPool::acquire).await
    }

    /// Takes something from the pool. Once more, if the server refused the user or the password and there are new ones.
    async fn take<'a, T, F>(&'a self, from: impl Fn(&'a PgPool) -> F) -> Result<T, sqlx::Error>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        let Inner { pool, credentials, outage, .. } = &*self.inner;
        credentials.look(self);
        let mut taken = outage.fail_fast(&self.inner, from(pool)).await;
        if let Err(error) = &taken
            && failure::is_refused_login(error)
            && credentials.renew(self).await
        {
            taken = outage.fail_fast(&self.inner, from(pool)).await;
        }
        taken.inspect_err(|error| self.suspect(error))
    }

    /// Asks the server whether it is there, in the background, if this error leaves that open.
    fn suspect(&self, error: &sqlx::Error) {
        if failure::is_suspicious(error) {
            Outage::watch(&self.inner);
        }
    }
}

/// The database answers: for `#[cloud_service(ready(seaworthy::postgres::ready))]`.
///
/// It is asked over a connection of the pool, which is not recorded.
///
/// # Errors
///
/// Says why it does not answer.
pub async fn ready(State(db): State<Postgres>) -> Result<(), sqlx::Error> {
    let mut connection = db.acquire().await?;
    connection.ping().await.inspect_err(|error| db.suspect(error))
}

/// The readiness check [`ready`](ready()), every 5 s, each time for 1 s at most.
#[expect(non_camel_case_types, reason = "a check and its function have one name")]
#[derive(Debug)]
pub enum ready {}

impl<S: Sync> Readiness<S> for ready
where
    Postgres: FromRef<S>,
{
    const CHECK: Check = Check::new("postgres", "The database answers.");

    async fn check(state: &S) -> Outcome {
        let db = Postgres::from_ref(state);
        ready(State(db)).await.map_err(|error| error.to_string())
    }
}
