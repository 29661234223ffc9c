//! PostgreSQL: [sqlx]'s pool, traced, measured, and aware of what happens to servers.
//!
//! A [`Postgres`] is made once, in the set-up, and lives in the service's state: its clones share one pool of
//! connections. Statements are written as with sqlx.
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
//!     let price = sqlx::query_scalar("SELECT price FROM articles WHERE id = $1").bind(article);
//!     let price: i64 = price.fetch_one(&db).await?;
//!     Ok(price.to_string())
//! }
//!
//! /// Sells an article: it is there once less, and there is an order more.
//! #[handler]
//! async fn buy(State(db): State<Postgres>, Path(article): Path<i64>) -> Result<StatusCode> {
//!     let mut transaction = db.begin().await?;
//!     let sold = sqlx::query("UPDATE articles SET stock = stock - 1 WHERE id = $1").bind(article);
//!     sold.execute(&mut *transaction).await?;
//!     let order = sqlx::query("INSERT INTO orders (article) VALUES ($1)").bind(article);
//!     order.execute(&mut *transaction).await?;
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
//!
//! # What is recorded
//!
//! Each call with a `&Postgres`, and each statement of a [`Transaction`] (`&mut *transaction`), its begin and its end:
//!
//! - **A span** of the kind CLIENT, within the current one, as the
//!   [conventions](https://opentelemetry.io/docs/specs/semconv/db/postgresql/) have it: called `SELECT shop`, with
//!   `db.operation.name` (the first word of the statement, if it is one of PostgreSQL's, and else `_OTHER`),
//!   `db.namespace`, `server.address` and `server.port`. `QUERY_TEXT` adds `db.query.text`. A call ends with its
//!   answer, and a stream with its last row.
//! - **Metrics**: `db_client_operation_duration_seconds`, and `db_client_connection_count`, by whether connections are
//!   `idle` or `used`.
//!
//! What a call failed with is `error.type`: the database's SQLSTATE, which is `db.response.status_code` too; else
//! `timeout`, `pool_timeout` (there was no connection for it), `unavailable` (the server is away: nothing was tried),
//! `io`, `tls`, `pool_closed`, `protocol`, `encode`, `decode`, `configuration`; and `cancelled` where its future was
//! dropped. [`sqlx::Error::RowNotFound`] is no failure. What is done with the [`pool`](Postgres::pool) itself is not
//! recorded.
//!
//! # Time-outs and errors
//!
//! A call waits for a connection for `ACQUIRE_TIMEOUT`, and ends within `TIMEOUT`; a stream may take that for each of
//! its rows. A connection whose call was cut off, by its time-out or because its future was dropped, has
//! `ACQUIRE_TIMEOUT` to be ready again, and is closed if it is not. The server may still work on the statement:
//! `?options[statement_timeout]=10s` in the URL ends it there.
//!
//! `?` in a handler answers 503 where the error says that the database is not there: `timeout`, `pool_timeout`,
//! `pool_closed`, `unavailable`, `io`, and the SQLSTATEs `08...`, `57P0.` and `53300`. All others are 500. None is
//! tried again: a statement whose answer did not come may have been executed.
//!
//! # While the server is away
//!
//! When a call fails as if the server were gone, or waits for more than 250 ms, one task asks the server, by a
//! connection of its own. If it does not answer, calls fail at once, instead of waiting together, until that task finds
//! it again; it tries within a second of each attempt. Nothing has to be restarted. [`ready`](ready()) fails meanwhile.
//!
//! # A URL that is rotated
//!
//! A URL from `DATABASE_URL_FILE`, a mounted secret, is read again by a call when a second has passed, and by one that
//! the server refuses (`28...`), which then tries once more. Connections that are opened after that use it; those that
//! are open stay for up to `MAX_LIFETIME`. Only who connects and how is changed so, not what the telemetry calls the
//! database.
//!
//! # TLS
//!
//! By rustls, as `sslmode` in the URL says: `disable`; `prefer`, the default, which takes any certificate and does
//! without TLS where the server has none; `require`, which takes any certificate; `verify-ca`; and `verify-full`, the
//! only one that knows the server. Whom to trust is what the system trusts, or the file that `SSL_CERT_FILE` names, and
//! the file of `sslrootcert`. Other parameters are `sslcert` and `sslkey`, `host` (the folder of a socket, too),
//! `port`, `dbname`, `user`, `password`, `application_name`, `options` and `statement-cache-capacity`. What the URL
//! leaves open is taken from `PGHOST`, `PGUSER`, `PGPASSWORD` and the like, as sqlx has it.
//!
//! # sqlx's macros
//!
//! They write `::sqlx`, so a service that uses `#[derive(FromRow)]`, `migrate!` or `query!` depends on sqlx itself, in
//! the version that [`seaworthy::sqlx`] is, with the features `derive` or `macros`. Everything else is in
//! `seaworthy::sqlx`, with the types of `serde_json`, `time` and `uuid`, and [`Migrator`](sqlx::migrate::Migrator),
//! which takes a `&PgPool`.

mod connect;
mod credentials;
mod executor;
mod exhaustion;
mod failure;
mod lent;
mod observed;
mod outage;
mod settings;
mod statement;
#[cfg(test)]
mod tests;
mod transaction;

use std::{sync::Arc, time::Duration};

use axum::extract::{FromRef, State};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};

pub(crate) use self::failure::is_unavailable;
use self::{credentials::Credentials, exhaustion::Exhaustion, lent::Lent, outage::Outage, settings::Place};
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
    exhaustion: Exhaustion,
}

// === impl Postgres ===

impl Postgres {
    /// Connects, and waits for a database that is not there yet, for `CONNECT_TIMEOUT` at most.
    ///
    /// # Errors
    ///
    /// - [`Error::unavailable`], if nothing answered in time: exit code 69.
    /// - [`Error::config`], if waiting would be in vain: the URL can't be used, the server refuses its user or its
    ///   password, there is no such database, or the URL asks for TLS and the server has none. Exit code 78.
    ///
    /// Neither shows the password. What the server says of a user whom it refuses may name the user.
    pub async fn connect(settings: Settings) -> Result<Self, Error> {
        connect::connect(settings).await
    }

    /// The pool itself, for what this type has not: nothing that is done with it is recorded.
    ///
    /// Transactions are for [`begin`](Self::begin): with sqlx 0.9, one of the pool's whose future is dropped while it
    /// begins is left open, and what others do by its connection later is lost.
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

    /// Closes all connections, and waits 2 s at most for those that are in use. A call that comes later fails at once,
    /// with [`sqlx::Error::PoolClosed`].
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

    /// Takes a connection from the pool, or opens one. Once more, if the server refused the user or the password and
    /// there are new ones.
    async fn acquire(&self) -> Result<Lent, sqlx::Error> {
        let Inner { pool, credentials, outage, .. } = &*self.inner;
        let version = credentials.version(self);
        let mut acquired = outage.fail_fast(&self.inner, pool.acquire()).await;
        if let Err(error) = &acquired
            && failure::is_refused_login(error)
            && credentials.is_newer(version, self).await
        {
            acquired = outage.fail_fast(&self.inner, pool.acquire()).await;
        }
        let limit = pool.options().get_acquire_timeout();
        acquired.map(|connection| Lent::new(connection, limit)).inspect_err(|error| self.suspect(error))
    }

    /// Asks the server whether it is there, in the background, if this error leaves that open; and says so where the pool
    /// is to blame.
    fn suspect(&self, error: &sqlx::Error) {
        if failure::is_suspicious(error) {
            Outage::watch(&self.inner);
        }
        if matches!(error, sqlx::Error::PoolTimedOut) {
            self.inner.exhaustion.note(&self.inner.pool, &self.inner.place);
        }
    }
}

/// The database answers: for `#[cloud_service(ready(seaworthy::postgres::ready))]`.
///
/// It is asked over a connection of the pool, which is not recorded. Where all of them are in use, it is asked over one more:
/// a pool that is busy is no reason to send requests elsewhere, where it may be as busy.
///
/// # Errors
///
/// Says why it does not answer.
pub async fn ready(State(db): State<Postgres>) -> Result<(), sqlx::Error> {
    let pool = db.pool();
    if pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections() {
        return match pool.connect_options().connect().await {
            Ok(connection) => connection.close().await,
            Err(error) if failure::is_absence(&error) => Err(error),
            // It is there to refuse one more.
            Err(_) => Ok(()),
        };
    }
    let mut connection = db.acquire().await?;
    connection.ping().await.inspect_err(|error| db.suspect(error))
}

/// The readiness check [`ready`](ready()), every 5 s, each time for 1 s at most.
#[expect(non_camel_case_types, reason = "a check and its function have one name")]
#[derive(Debug)]
pub enum ready {}

#[diagnostic::do_not_recommend]
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
