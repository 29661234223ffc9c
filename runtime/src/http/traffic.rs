//! What is in progress: connections and requests, counted so that the drain knows what it waits for.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

use crate::{config::Settings, lifecycle::Lifecycle, probe::board::Board, sorted::Sorted, telemetry::RouteTelemetry};

/// What is in progress on the main listener of one service, and the limits to it.
#[derive(Debug)]
pub(crate) struct Traffic {
    pub(crate) settings: Settings,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) board: Arc<Board>,
    pub(super) connections: AtomicUsize,
    /// Those of them whose client doesn't take what is sent.
    pub(super) blocked: AtomicUsize,
    /// Requests that were routed and are not answered yet.
    pub(super) in_flight: AtomicUsize,
    /// Told when the last connection is gone.
    pub(super) gone: Notify,
    /// Each route that was ever requested.
    routes: Mutex<Vec<Arc<RouteTelemetry>>>,
}

// === impl Traffic ===

impl Traffic {
    pub(crate) fn new(settings: Settings, lifecycle: Arc<Lifecycle>, board: Arc<Board>) -> Self {
        Self {
            settings,
            lifecycle,
            board,
            connections: AtomicUsize::new(0),
            blocked: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            gone: Notify::new(),
            routes: Mutex::default(),
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    /// Connections on which an answer is still being sent. Not those that only wait for their client to close, or to go
    /// on with a request that it began.
    pub(crate) fn blocked_connections(&self) -> usize {
        self.blocked.load(Ordering::Acquire)
    }

    /// Waits until no connection is left, upgraded ones included.
    pub(crate) async fn gone(&self) {
        loop {
            let gone = self.gone.notified();
            if self.connections() == 0 {
                return;
            }
            gone.await;
        }
    }

    /// Adds a route, at its first request.
    pub(super) fn add_route(&self, pattern: Option<&str>) -> Arc<RouteTelemetry> {
        let route = Arc::new(RouteTelemetry::new(pattern));
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&route));
        route
    }

    /// Whether one request more is one too many.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) >= self.settings.max_in_flight
    }

    /// How much is in progress on each route.
    pub(crate) fn in_flight_by_route(&self) -> Sorted<usize> {
        let mut by_route = Sorted::new();
        for route in &*self.routes.lock().unwrap_or_else(PoisonError::into_inner) {
            let in_flight = route.in_flight.load(Ordering::Relaxed);
            if in_flight > 0 {
                let pattern = route.pattern().unwrap_or("no route");
                let others = by_route.get(pattern).copied().unwrap_or(0);
                by_route.insert(pattern.to_owned(), others + in_flight);
            }
        }
        by_route
    }
}
