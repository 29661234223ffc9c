//! The service that the tests of PostgreSQL run: a route for each thing that is done with a database.

use std::time::Duration;

use futures_util::TryStreamExt;
use seaworthy::{
    postgres::{self, Postgres},
    prelude::*,
    sqlx::{self, Row as _},
    tracing,
};
use serde::Deserialize;

/// Where rows are.
#[config(env)]
struct Config {
    #[config(flatten, env = "DATABASE")]
    database: postgres::Settings,
}

/// What handlers and the check share.
#[derive(Clone, FromRef)]
struct App {
    db: Postgres,
}

#[derive(Deserialize)]
struct Sleep {
    seconds: f64,
}

/// Who the database thinks that we are, and by which connection.
#[handler]
async fn who(State(db): State<Postgres>) -> Result<String> {
    let row = sqlx::query("SELECT current_user::text, pg_backend_pid()").fetch_one(&db).await?;
    Ok(format!("{} {}", row.try_get::<String, _>(0)?, row.try_get::<i32, _>(1)?))
}

/// Asks with a value that nobody may see.
#[handler]
async fn value(State(db): State<Postgres>) -> Result<String> {
    Ok(sqlx::query_scalar("SELECT upper($1)").bind("a value").fetch_one(&db).await?)
}

/// Finds nothing.
#[handler]
async fn nothing(State(db): State<Postgres>) -> Result<StatusCode> {
    match sqlx::query("SELECT 1 WHERE false").fetch_one(&db).await {
        Err(sqlx::Error::RowNotFound) => Ok(StatusCode::NOT_FOUND),
        other => Ok(other.map(|_| StatusCode::OK)?),
    }
}

/// Divides by zero in the third of five rows.
#[handler]
async fn rows(State(db): State<Postgres>, Path(divisor): Path<i32>) -> Result<String> {
    let rows = sqlx::query_scalar::<_, i32>("SELECT 12 / (n - $1) FROM generate_series(1, 5) n").bind(divisor);
    let rows: Vec<i32> = rows.fetch(&db).try_collect().await?;
    Ok(format!("{rows:?}"))
}

/// Takes its time.
#[handler]
async fn sleep(State(db): State<Postgres>, Query(Sleep { seconds }): Query<Sleep>) -> Result<&'static str> {
    sqlx::query("SELECT pg_sleep($1)").bind(seconds).execute(&db).await?;
    Ok("slept")
}

/// Stores a row once, in a transaction, and counts all of them.
#[handler]
async fn store(State(db): State<Postgres>, Path((id, end)): Path<(i64, String)>) -> Result<String> {
    let mut transaction = db.begin().await?;
    sqlx::query("INSERT INTO things (id) VALUES ($1)").bind(id).execute(&mut *transaction).await?;
    match &*end {
        "commit" => transaction.commit().await?,
        "rollback" => transaction.rollback().await?,
        _ => drop(transaction),
    }
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM things").fetch_one(&db).await?;
    Ok(count.to_string())
}

/// Keeps rows.
#[cloud_service(ready(seaworthy::postgres::ready))]
async fn main(config: Config) -> Result<Service<App>> {
    let db = Postgres::connect(config.database).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS things (id bigint PRIMARY KEY)").execute(db.pool()).await?;
    let (before, after) = (db.clone(), db.clone());
    let routes = Router::new()
        .route("/who", get(who))
        .route("/value", get(value))
        .route("/nothing", get(nothing))
        .route("/rows/{divisor}", get(rows))
        .route("/sleep", get(sleep))
        .route("/store/{id}/{end}", get(store));
    Ok(Service::new(App { db: db.clone() })
        .http(routes)
        .on_close("after", async move { say("after", &after).await })
        .on_close("postgres", db.close())
        .on_close("before", async move { say("before", &before).await }))
}

/// Says whether the database can be used while the service closes.
async fn say(when: &str, db: &Postgres) {
    let asked = std::time::Instant::now();
    let answer = sqlx::query("SELECT 1").execute(db).await;
    let at_once = asked.elapsed() < Duration::from_secs(1);
    tracing::info!(when, at_once, closing = answer.map_or_else(|error| error.to_string(), |_| "answered".into()));
}
