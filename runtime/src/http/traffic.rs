//! What is in progress: connections and requests, counted so that the drain knows what it waits for.

use std::{
    cell::Cell,
    mem::ManuallyDrop,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Settings,
    lifecycle::Lifecycle,
    probe::board::Board,
    sorted::Sorted,
    telemetry::{Ending, Inside, PeerTelemetry, RouteTelemetry, ServerRequest},
};

/// What is in progress on the main listener of one service, and the limits to it.
#[derive(Debug)]
pub(crate) struct Traffic {
    pub(crate) settings: Settings,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) board: Arc<Board>,
    connections: AtomicUsize,
    /// Those of them whose client doesn't take what is sent.
    blocked: AtomicUsize,
    in_flight: AtomicUsize,
    /// Told when the last connection is gone.
    gone: Notify,
    /// Each route that was ever requested.
    routes: Mutex<Vec<Arc<RouteTelemetry>>>,
}

thread_local! {
    /// The connection whose request this thread answers. Not an extension of the request, because those are allocated.
    /// Nobody's at the end of a thread: then there is nothing to drop.
    static CURRENT: ManuallyDrop<Cell<Option<Arc<Connection>>>> = const { ManuallyDrop::new(Cell::new(None)) };
}

/// One connection, from its accept until its last byte: shared by its socket and its requests.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) peer: SocketAddr,
    pub(crate) telemetry: PeerTelemetry,
    /// Cancelled when the drain's deadline passed. The connection's own, so that waiting for it locks nothing shared.
    pub(crate) cut: CancellationToken,
    /// The first bytes were those of HTTP/2.
    pub(crate) is_http2: AtomicBool,
    /// It left HTTP, as a WebSocket does.
    pub(crate) is_upgraded: AtomicBool,
    /// It is to end as soon as it is idle.
    pub(crate) is_closing: AtomicBool,
    /// Bytes came since the last request began.
    pub(crate) has_partial_head: AtomicBool,
    /// The last write found the client's window full: hyper holds bytes that are still to be sent.
    is_write_blocked: AtomicBool,
    /// Requests begun so far.
    pub(crate) begun: AtomicUsize,
    /// Requests in flight now.
    pub(crate) active: AtomicUsize,
    /// The route that upgraded it, which is named when it is cut.
    upgraded_by: Mutex<Option<Arc<RouteTelemetry>>>,
}

/// A request in flight: dropped before [`end`](InFlight::end), it was cancelled or cut.
pub(crate) struct InFlight {
    /// `None` once it ended.
    telemetry: Option<ServerRequest>,
    pub(crate) connection: Arc<Connection>,
}

/// Lends a connection to the thread that answers one of its requests, until it is dropped.
struct Lent<'a> {
    before: Option<Arc<Connection>>,
    connection: &'a mut Option<Arc<Connection>>,
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

    /// Connections on which an answer is still being sent. Not those that only wait for their client to close, or to go on
    /// with a request that it began.
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

    /// Registers a route, at its first request.
    pub(crate) fn route(&self, pattern: Option<&str>) -> Arc<RouteTelemetry> {
        let route = Arc::new(RouteTelemetry::new(pattern));
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&route));
        route
    }

    /// Whether one request more is one too many.
    pub(crate) fn is_full(&self) -> bool {
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

// === impl Connection ===

impl Connection {
    /// Counts a connection; `None` if it is one too many.
    pub(crate) fn open(traffic: &Arc<Traffic>, peer: SocketAddr, local: SocketAddr) -> Option<Arc<Self>> {
        if traffic.connections.fetch_add(1, Ordering::AcqRel) >= traffic.settings.max_connections {
            traffic.connections.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        Some(Arc::new(Self {
            traffic: Arc::clone(traffic),
            peer,
            telemetry: PeerTelemetry::new(local, peer),
            cut: traffic.lifecycle.cut.child_token(),
            is_http2: AtomicBool::new(false),
            is_upgraded: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            has_partial_head: AtomicBool::new(false),
            is_write_blocked: AtomicBool::new(false),
            begun: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            upgraded_by: Mutex::default(),
        }))
    }

    /// Notes whether the client takes what is sent.
    pub(super) fn set_write_blocked(&self, is_blocked: bool) {
        // Only the socket's own task changes it.
        if self.is_write_blocked() == is_blocked {
            return;
        }
        self.is_write_blocked.store(is_blocked, Ordering::Release);
        match is_blocked {
            true => self.traffic.blocked.fetch_add(1, Ordering::AcqRel),
            false => self.traffic.blocked.fetch_sub(1, Ordering::AcqRel),
        };
    }

    pub(super) fn is_write_blocked(&self) -> bool {
        self.is_write_blocked.load(Ordering::Acquire)
    }

    /// The connection whose request the current code answers.
    pub(super) fn current() -> Option<Arc<Self>> {
        CURRENT.with(|place| {
            let current = place.take();
            place.set(current.clone());
            current
        })
    }

    /// Calls a function that answers a request which came on this connection.
    pub(super) fn answering<T>(this: &mut Option<Arc<Self>>, answer: impl FnOnce() -> T) -> T {
        let _lent = Lent::new(this);
        answer()
    }

    /// No request is in flight or arriving on it.
    pub(crate) fn is_idle(&self) -> bool {
        self.active.load(Ordering::Acquire) == 0 && !self.has_partial_head.load(Ordering::Acquire)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(route) = self.upgraded_by.get_mut().unwrap_or_else(PoisonError::into_inner) {
            route.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        self.set_write_blocked(false);
        if self.traffic.connections.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.traffic.gone.notify_waiters();
        }
    }
}

// === impl Lent ===

impl<'a> Lent<'a> {
    fn new(connection: &'a mut Option<Arc<Connection>>) -> Self {
        Self { before: CURRENT.with(|current| current.replace(connection.take())), connection }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.connection = CURRENT.with(|current| current.replace(self.before.take()));
    }
}

// === impl InFlight ===

impl InFlight {
    pub(crate) fn begin(connection: Arc<Connection>, telemetry: ServerRequest) -> Self {
        connection.traffic.in_flight.fetch_add(1, Ordering::Relaxed);
        telemetry.route().in_flight.fetch_add(1, Ordering::Relaxed);
        Self { telemetry: Some(telemetry), connection }
    }

    /// How long ago the request began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.telemetry.as_ref().map(ServerRequest::elapsed).unwrap_or_default()
    }

    /// Enters its span.
    pub(crate) fn enter(&self) -> Option<Inside> {
        self.telemetry.as_ref().map(ServerRequest::enter)
    }

    pub(crate) fn end(&mut self, ending: Ending, status: Option<StatusCode>) {
        if let Some(telemetry) = &mut self.telemetry {
            telemetry.route().in_flight.fetch_sub(1, Ordering::Relaxed);
            telemetry.end(ending, status);
            self.telemetry = None;
            self.connection.traffic.in_flight.fetch_sub(1, Ordering::Relaxed);
            self.connection.active.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// From now on the connection is in flight for this route, until it closes.
    pub(crate) fn upgrade(&self) {
        let Some(route) = self.telemetry.as_ref().map(ServerRequest::route) else { return };
        self.connection.is_upgraded.store(true, Ordering::Release);
        route.in_flight.fetch_add(1, Ordering::Relaxed);
        *self.connection.upgraded_by.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(route));
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.telemetry.is_some() {
            let cut = self.connection.cut.is_cancelled();
            self.end(if cut { Ending::Cut } else { Ending::Cancelled }, None);
        }
    }
}
