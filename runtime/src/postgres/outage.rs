//! A server that is away: calls fail at once, until it is back.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{ConnectOptions as _, Connection as _};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{Inner, connect::Backoff, failure};

/// How long a call waits for a connection before the server is asked whether it is there.
const SLOW: Duration = Duration::from_millis(250);
/// How long it is between two attempts to connect to a server that is away, at most, and at least between one that
/// succeeded and the next.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a server that is asked may take to answer, at least: all calls depend on it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of the server.
#[derive(Debug)]
pub(super) struct Outage {
    is_away: watch::Sender<bool>,
    /// Whether somebody is asking.
    is_watched: AtomicBool,
}

// === impl Outage ===

impl Outage {
    pub(super) fn none() -> Self {
        Self { is_away: watch::Sender::new(false), is_watched: AtomicBool::new(false) }
    }

    /// Waits for a connection for as long as the server is there. The pool alone would go on to try, and all calls with
    /// it.
    pub(super) async fn fail_fast<T>(
        &self,
        inner: &Arc<Inner>,
        taking: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        // One that is idle may be all right, and is tried before it is used.
        if *self.is_away.borrow() && inner.pool.num_idle() == 0 {
            return Err(failure::away());
        }
        let mut taking = pin!(taking);
        tokio::select! {
            biased;
            taken = &mut taking => return taken,
            () = sleep(SLOW) => Self::watch(inner),
        }
        let mut is_away = self.is_away.subscribe();
        tokio::select! {
            biased;
            taken = taking => taken,
            // The sender is not gone: it is `self`.
            _ = is_away.wait_for(|is_away| *is_away) => Err(failure::away()),
        }
    }

    /// Has the server asked, by one task at a time, until it answers. It is not waited for.
    pub(super) fn watch(inner: &Arc<Inner>) {
        if !inner.outage.is_watched.swap(true, Ordering::AcqRel) {
            tokio::spawn(ask(Arc::downgrade(inner)));
        }
    }
}

/// Opens connections until one succeeds, or until nobody needs to know any more.
async fn ask(inner: Weak<Inner>) {
    let mut backoff = Backoff::new(PAUSE);
    loop {
        let Some(inner) = inner.upgrade() else { return };
        if inner.pool.is_closed() {
            return;
        }
        let options = inner.pool.connect_options();
        let limit = inner.pool.options().get_acquire_timeout().max(PATIENCE);
        let problem = match timeout(limit, options.connect()).await {
            Ok(Ok(connection)) => {
                // It was opened, which is all that is asked.
                _ = timeout(limit, connection.close()).await;
                None
            }
            Ok(Err(error)) => Some(error).filter(failure::is_absence),
            Err(_) => Some(failure::timed_out()),
        };
        let was_away = inner.outage.is_away.send_replace(problem.is_some());
        match (&problem, was_away) {
            (Some(error), false) => {
                tracing::warn!(target: "seaworthy::postgres", %error, "{} does not answer", inner.place);
            }
            (None, true) => tracing::info!(target: "seaworthy::postgres", "{} answers again", inner.place),
            _ => {}
        }
        drop(inner);
        sleep(if problem.is_some() { backoff.next() } else { PAUSE }).await;
        if problem.is_none() {
            break;
        }
    }
    if let Some(inner) = inner.upgrade() {
        inner.outage.is_watched.store(false, Ordering::Release);
    }
}
