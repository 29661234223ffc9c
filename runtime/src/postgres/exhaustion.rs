//! A pool whose connections are all in use: calls wait, and fail.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sqlx::PgPool;
use tokio::time::Instant;

use super::settings::{Place, Settings};

/// How long it is between two lines that say so: calls that fail have lines of their own.
const SILENCE: Duration = Duration::from_secs(30);

/// Says what to set, now and then.
#[derive(Debug)]
pub(super) struct Exhaustion {
    /// How the variable of the most connections is called.
    variable: String,
    said: Mutex<Option<Instant>>,
}

// === impl Exhaustion ===

impl Exhaustion {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { variable: settings.variable("MAX_CONNECTIONS"), said: Mutex::new(None) }
    }

    /// A call waited in vain for one of the connections.
    pub(super) fn note(&self, pool: &PgPool, place: &Place) {
        let (most, limit) = (pool.options().get_max_connections(), pool.options().get_acquire_timeout());
        if pool.size() < most {
            // It waited for a new one.
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|said| said.elapsed() >= SILENCE) {
            *said = Some(Instant::now());
            tracing::warn!(
                target: "seaworthy::postgres",
                "all {most} connections to {place} are in use, and a call waited {limit:?} for one: raise {}, or hold them \
                 for less long",
                self.variable,
            );
        }
    }
}
