//! The first connection.

use std::{sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Inner, Postgres, Settings,
    credentials::Credentials,
    exhaustion::Exhaustion,
    failure,
    outage::Outage,
    settings::{Place, connect_options, requires_tls},
};
use crate::{
    Error,
    telemetry::{self, Database, random},
};

/// How long it is before the first attempt after one that failed.
const FIRST: Duration = Duration::from_millis(50);
/// How long it is between two attempts at most.
const LONGEST: Duration = Duration::from_secs(1);

/// How long to wait before each attempt: twice as long as before, up to a limit, less up to a half by chance.
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(super) fn new(longest: Duration) -> Self {
        Self { next: FIRST, longest }
    }

    pub(super) fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(self.longest);
        shortened(now, 0.5)
    }
}

/// Less by a random part of this share.
#[expect(clippy::cast_precision_loss, reason = "it is random")]
fn shortened(duration: Duration, share: f64) -> Duration {
    duration.mul_f64(1.0 - share * (random() as f64 / u64::MAX as f64))
}

pub(super) async fn connect(settings: Settings) -> Result<Postgres, Error> {
    settings.check()?;
    let options = connect_options(settings.url.expose(), &settings)?;
    let place = Place::from(&options);
    first(&settings, &options, &place).await?;

    let database = Database::new("postgresql", &place.database, &place.host, place.port);
    let inner = Inner {
        pool: pool(&settings).connect_lazy_with(options),
        timeout: settings.timeout,
        query_text: settings.query_text,
        database: Arc::new(database),
        exhaustion: Exhaustion::new(&settings),
        credentials: Credentials::new(settings),
        outage: Outage::none(),
        place,
    };
    let inner = Arc::new(inner);
    count_connections(&inner);
    Ok(Postgres { inner })
}

fn pool(settings: &Settings) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(settings.max_connections.get())
        .min_connections(settings.min_connections)
        .acquire_timeout(settings.acquire_timeout)
        .idle_timeout(settings.idle_timeout)
        .max_lifetime(shortened(settings.max_lifetime, 0.1))
}

/// Connects once, so that it is known to work.
async fn first(settings: &Settings, options: &PgConnectOptions, place: &Place) -> Result<(), Error> {
    let started = Instant::now();
    let left = || settings.connect_timeout.saturating_sub(started.elapsed());
    let mut backoff = Backoff::new(LONGEST);
    let mut is_told = false;
    loop {
        let problem = match timeout(left().min(settings.acquire_timeout), options.connect()).await {
            Ok(Ok(connection)) => {
                _ = timeout(settings.acquire_timeout, connection.close()).await;
                return Ok(());
            }
            Ok(Err(error)) => error,
            Err(_) => failure::timed_out(),
        };
        if !failure::is_unavailable(&problem) {
            return Err(refused(settings, options, place, &problem));
        }
        let pause = backoff.next();
        if pause >= left() {
            let what = format!("the database {place} ({})", settings.url_variable());
            // As a text: sqlx's own has that of its causes already.
            return Err(Error::unavailable(what, problem.to_string()));
        }
        if !is_told {
            is_told = true;
            tracing::warn!(target: "seaworthy::postgres", error = %problem, "waiting for the database {place}");
        }
        sleep(pause).await;
    }
}

/// Why waiting would be in vain.
fn refused(settings: &Settings, options: &PgConnectOptions, place: &Place, error: &sqlx::Error) -> Error {
    let variable = settings.url_variable();
    let code = error.as_database_error().and_then(|error| error.code());
    let why = match (error, code.as_deref()) {
        (_, Some("28P01")) => "the server refuses its user or its password".to_owned(),
        (_, Some("3D000")) => "the server has no database of that name".to_owned(),
        (sqlx::Error::Tls(cause), _) if requires_tls(options) => format!("it asks for TLS: {cause}"),
        (sqlx::Error::Io(cause), _) => cause.to_string(),
        _ => error.to_string(),
    };
    Error::config(format!("{variable} can't be used for {place}: {why}"))
}

/// Shows how many connections there are, whenever somebody asks.
fn count_connections(inner: &Arc<Inner>) {
    let name = inner.place.to_string();
    let gauge = |state: &'static str| {
        metrics::gauge!(
            "db_client_connection_count",
            "db_client_connection_pool_name" => name.clone(),
            "db_client_connection_state" => state,
        )
    };
    let (idle, used, inner) = (gauge("idle"), gauge("used"), Arc::downgrade(inner));
    telemetry::at_scrape(move || {
        let (all, unused) = inner.upgrade().map_or((0, 0), |inner| (inner.pool.size(), inner.pool.num_idle()));
        let unused = u32::try_from(unused).unwrap_or(all).min(all);
        idle.set(f64::from(unused));
        used.set(f64::from(all - unused));
        inner.strong_count() > 0
    });
}
