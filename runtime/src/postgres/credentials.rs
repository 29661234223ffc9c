//! A URL that is mounted, and changes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::task::spawn_blocking;

use super::{
    Postgres, Settings,
    settings::{Place, connect_options},
};

/// How often a call has the file looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The URL as it was read last.
#[derive(Debug)]
pub(super) struct Credentials {
    settings: Mutex<Settings>,
    looked: Mutex<Instant>,
}

// === impl Credentials ===

impl Credentials {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings: Mutex::new(settings), looked: Mutex::new(Instant::now()) }
    }

    /// Has the file read, on a thread that may block, if that is a while ago. The caller does not wait for it.
    pub(super) fn look(&self, db: &Postgres) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.elapsed() < EVERY {
            return;
        }
        *looked = Instant::now();
        drop(looked);
        let db = db.clone();
        spawn_blocking(move || db.inner.credentials.read(&db.inner.pool));
    }

    /// Reads the file now. Says whether there is another URL in it.
    pub(super) async fn renew(&self, db: &Postgres) -> bool {
        let db = db.clone();
        spawn_blocking(move || db.inner.credentials.read(&db.inner.pool)).await.unwrap_or(false)
    }

    fn read(&self, pool: &PgPool) -> bool {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let url = match settings.url.reload() {
            Ok(url) if url.expose() == settings.url.expose() => return false,
            Ok(url) => url,
            Err(error) => {
                tracing::warn!(target: "seaworthy::postgres", "{error:#}");
                return false;
            }
        };
        let options = match connect_options(url.expose(), &settings) {
            Ok(options) => options,
            Err(error) => {
                tracing::warn!(target: "seaworthy::postgres", "{error:#}");
                return false;
            }
        };
        tracing::info!(target: "seaworthy::postgres", "new connections to {} use another URL", Place::from(&options));
        settings.url = url;
        pool.set_connect_options(options);
        true
    }
}
