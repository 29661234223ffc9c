//! A URL that is mounted, and changes.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::PgPool;
use tokio::task::spawn_blocking;

use super::{
    Postgres, Settings,
    settings::{Place, connect_options},
};
use crate::Error;

/// How often a call has the file looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The URL as it was read last.
#[derive(Debug)]
pub(super) struct Credentials {
    settings: Mutex<Settings>,
    /// Whether it may change.
    is_mounted: bool,
    looked: Mutex<Instant>,
    /// How often another one was read.
    version: AtomicU64,
}

// === impl Credentials ===

impl Credentials {
    pub(super) fn new(settings: Settings) -> Self {
        let is_mounted = settings.url.is_mounted();
        let looked = Mutex::new(Instant::now());
        Self { settings: Mutex::new(settings), is_mounted, looked, version: AtomicU64::new(0) }
    }

    /// Which URL it is that new connections use. Has the file read, if that is a while ago, on a thread that may block:
    /// the caller does not wait for it.
    pub(super) fn version(&self, db: &Postgres) -> u64 {
        if !self.is_mounted {
            return 0;
        }
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.elapsed() >= EVERY {
            *looked = Instant::now();
            let db = db.clone();
            spawn_blocking(move || db.inner.credentials.read(&db.inner.pool));
        }
        self.version.load(Ordering::Acquire)
    }

    /// Reads the file now. Says whether new connections use another URL than that one.
    pub(super) async fn is_newer(&self, version: u64, db: &Postgres) -> bool {
        let db = db.clone();
        // It fails only where the runtime ends.
        _ = spawn_blocking(move || db.inner.credentials.read(&db.inner.pool)).await;
        self.version.load(Ordering::Acquire) != version
    }

    fn read(&self, pool: &PgPool) {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        match renewed(&mut settings, pool) {
            Ok(true) => _ = self.version.fetch_add(1, Ordering::Release),
            Ok(false) => {}
            Err(error) => tracing::warn!(target: "seaworthy::postgres", "{error:#}"),
        }
    }
}

/// Has new connections use the URL that is in the file, if it is another one.
fn renewed(settings: &mut Settings, pool: &PgPool) -> Result<bool, Error> {
    let url = settings.url.reload()?;
    if url.expose() == settings.url.expose() {
        return Ok(false);
    }
    let options = connect_options(url.expose(), settings)?;
    tracing::info!(target: "seaworthy::postgres", "new connections to {} use another URL", Place::from(&options));
    settings.url = url;
    pool.set_connect_options(options);
    Ok(true)
}
