//! What the service's runtime does, as far as tokio says so in a stable way.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::runtime::{Handle, RuntimeMetrics};

use super::{catalog::Kind, registry::Registry};

/// The runtime that is watched.
pub(super) struct Watched(Mutex<Option<RuntimeMetrics>>);

// === impl Watched ===

impl Watched {
    pub(super) const fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// Watches this runtime in place of the one before.
    pub(super) fn watch(&self, runtime: &Handle) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(runtime.metrics());
    }

    /// Sets the metrics of the runtime. There are none before one is watched.
    #[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
    pub(super) fn collect(&self, registry: &Registry) {
        let Some(runtime) = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
        let gauge = |name, value| registry.set(Kind::Gauge, name, value as f64);
        gauge("tokio_workers", runtime.num_workers());
        gauge("tokio_alive_tasks", runtime.num_alive_tasks());
        gauge("tokio_global_queue_depth", runtime.global_queue_depth());
        #[cfg(target_has_atomic = "64")]
        {
            let workers = || 0..runtime.num_workers();
            let busy: Duration = workers().map(|worker| runtime.worker_total_busy_duration(worker)).sum();
            let parks: u64 = workers().map(|worker| runtime.worker_park_count(worker)).sum();
            registry.set(Kind::Counter, "tokio_worker_busy_seconds_total", busy.as_secs_f64());
            registry.set(Kind::Counter, "tokio_worker_parks_total", parks as f64);
        }
    }
}
