//! One connection: what its socket and its requests share of it, and how it is served until its time has come.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    mem::ManuallyDrop,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{AcqRel, Acquire, Relaxed, Release},
        },
    },
    task::Poll,
    time::Duration,
};

use axum::Router;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    dispatch::{Answer, Answers},
    protocol::Serving,
    socket::Socket,
    traffic::Traffic,
};
use crate::{
    lifecycle::State,
    telemetry::{PeerTelemetry, RouteTelemetry},
};

/// How long an idle connection stays open once the drain began, for the request that may be on its way.
const LINGER: Duration = Duration::from_secs(1);

thread_local! {
    /// The connection whose request this thread answers. Not an extension of the request, because those are allocated.
    /// Nobody's at the end of a thread: then there is nothing to drop.
    static CURRENT: ManuallyDrop<Cell<Option<Arc<Connection>>>> = const { ManuallyDrop::new(Cell::new(None)) };
}

/// One connection, from its accept until its last byte: shared by its socket and its requests.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) traffic: Arc<Traffic>,
    pub(super) peer: SocketAddr,
    pub(super) telemetry: PeerTelemetry,
    /// Cancelled when the drain's deadline passed. The connection's own, so that waiting for it locks nothing shared.
    pub(super) cut: CancellationToken,
    /// The first bytes were those of HTTP/2.
    pub(super) is_http2: AtomicBool,
    /// It left HTTP, as a WebSocket does.
    pub(super) is_upgraded: AtomicBool,
    /// It is to end as soon as it is idle.
    pub(super) is_closing: AtomicBool,
    /// Bytes came since the last request began.
    pub(super) has_partial_head: AtomicBool,
    /// The last write found the client's window full: hyper holds bytes that are still to be sent.
    is_write_blocked: AtomicBool,
    /// Requests begun so far.
    pub(super) begun: AtomicUsize,
    /// Requests in flight now, also those that are not routed yet. `InFlight` ends them.
    pub(super) active: AtomicUsize,
    /// The route that upgraded it, which is named when it is cut.
    upgraded_by: Mutex<Option<Arc<RouteTelemetry>>>,
}

/// Lends a connection to the thread that answers one of its requests, until it is dropped.
struct Lent<'a> {
    before: Option<Arc<Connection>>,
    connection: &'a mut Option<Arc<Connection>>,
}

/// What happens to a connection.
enum Event {
    /// It ended.
    Ended,
    /// The drain began.
    Drain,
    /// The drain's deadline passed.
    Cut,
    /// It is time to look whether there is progress.
    Look,
}

/// Since when a connection has made no progress.
struct Stall {
    since: Instant,
    begun: usize,
    was_active: bool,
    had_partial_head: bool,
}

/// What follows from a look at it.
enum Verdict {
    Wait,
    /// The client began a request, or a connection, and did not go on.
    HeaderTimeout,
    /// There was no request for long.
    Idle,
}

// === impl Connection ===

impl Connection {
    /// Counts a connection; `None` if it is one too many.
    pub(super) fn open(traffic: &Arc<Traffic>, peer: SocketAddr, local: SocketAddr) -> Option<Arc<Self>> {
        if traffic.connections.fetch_add(1, AcqRel) >= traffic.settings.max_connections {
            traffic.connections.fetch_sub(1, AcqRel);
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
        self.is_write_blocked.store(is_blocked, Release);
        match is_blocked {
            true => self.traffic.blocked.fetch_add(1, AcqRel),
            false => self.traffic.blocked.fetch_sub(1, AcqRel),
        };
    }

    pub(super) fn is_write_blocked(&self) -> bool {
        self.is_write_blocked.load(Acquire)
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

    /// From now on it is in flight for this route, until it closes.
    pub(super) fn upgrade(&self, route: &Arc<RouteTelemetry>) {
        self.is_upgraded.store(true, Release);
        route.in_flight.fetch_add(1, Relaxed);
        *self.upgraded_by.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(route));
    }

    /// No request is in flight or arriving on it.
    pub(super) fn is_idle(&self) -> bool {
        self.active.load(Acquire) == 0 && !self.has_partial_head.load(Acquire)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(route) = self.upgraded_by.get_mut().unwrap_or_else(PoisonError::into_inner) {
            route.in_flight.fetch_sub(1, Relaxed);
        }
        self.set_write_blocked(false);
        if self.traffic.connections.fetch_sub(1, AcqRel) == 1 {
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

// === serving ===

/// Serves one connection until it ends: by its client, by a limit, or by the drain.
pub(super) async fn serve(stream: TcpStream, router: Router, connection: Arc<Connection>) {
    let traffic = Arc::clone(&connection.traffic);
    let shutdown = traffic.lifecycle.shutdown.child_token();
    let socket = Socket::new(stream, Some(Arc::clone(&connection)));
    let mut serving = Serving::new(socket, Answers::OfService { router, connection: Arc::clone(&connection) });
    let mut drained = pin!(shutdown.cancelled());
    let mut cut = pin!(connection.cut.cancelled());
    let mut look_again = pin!(sleep(traffic.settings.header_read_timeout / 4));

    let mut stall = Stall::new(&connection);
    let mut draining = false;
    let mut cutting = false;
    // Whether the three above will wake this task. Then they needn't be asked each time that bytes come or go.
    let mut is_armed = false;
    loop {
        let event = poll_fn(|cx| {
            if Pin::new(&mut serving).poll(cx).is_ready() {
                return Poll::Ready(Event::Ended);
            }
            let state = traffic.lifecycle.state();
            if is_armed
                && (draining || state < State::Draining)
                && (cutting || state < State::Cancelling)
                && !look_again.is_elapsed()
            {
                return Poll::Pending;
            }
            is_armed = true;
            if !draining && drained.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Drain);
            }
            if !cutting && cut.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Cut);
            }
            look_again.as_mut().poll(cx).map(|()| Event::Look)
        });
        let pause = match event.await {
            Event::Ended => return,
            Event::Drain => {
                draining = true;
                if connection.is_http2.load(Relaxed) {
                    serving.say_goodbye();
                }
                LINGER
            }
            // `serving` is polled again, so that each handler notices and answers; what is left has a moment to be
            // sent.
            Event::Cut => {
                cutting = true;
                connection.is_closing.store(true, Relaxed);
                LINGER
            }
            Event::Look => {
                if cutting {
                    return;
                }
                if draining {
                    connection.is_closing.store(true, Relaxed);
                    if connection.is_http2.load(Relaxed) {
                        // Again, for a client whose first bytes came after the drain began.
                        serving.say_goodbye();
                        // A client that doesn't answer our GOAWAY, and asks for nothing.
                        if stall.idle_for(&connection) >= LINGER {
                            return;
                        }
                    }
                }
                match stall.verdict(&connection) {
                    Verdict::Wait => {}
                    Verdict::HeaderTimeout => {
                        let reason = "header_timeout";
                        metrics::counter!("seaworthy_connections_refused_total", "reason" => reason).increment(1);
                        return;
                    }
                    Verdict::Idle => {
                        connection.is_closing.store(true, Relaxed);
                        if connection.is_http2.load(Relaxed) {
                            serving.say_goodbye();
                        }
                    }
                }
                let pause = traffic.settings.header_read_timeout / 4;
                if draining { pause.min(LINGER) } else { pause }
            }
        };
        look_again.as_mut().reset(Instant::now() + pause);
        is_armed = false;
    }
}

/// Serves one connection that nobody counts, over HTTP/1.1, until it ends or its client is silent for that long.
pub(crate) async fn serve_uncounted(stream: TcpStream, answer: Answer, idle_timeout: Duration) {
    Serving::http1(Some(idle_timeout), Socket::new(stream, None), Answers::OfProcess(answer)).await;
}

// === impl Stall ===

impl Stall {
    fn new(connection: &Connection) -> Self {
        let mut stall = Self { since: Instant::now(), begun: 0, was_active: false, had_partial_head: false };
        stall.idle_for(connection);
        stall
    }

    /// How long nothing has happened, as far as looking now and then can tell.
    fn idle_for(&mut self, connection: &Connection) -> Duration {
        let now = Instant::now();
        let active = connection.active.load(Acquire) > 0 || connection.is_upgraded.load(Acquire);
        let begun = connection.begun.load(Relaxed);
        let partial_head = connection.has_partial_head.load(Relaxed);
        if active || self.was_active || begun != self.begun || partial_head != self.had_partial_head {
            *self = Self { since: now, begun, was_active: active, had_partial_head: partial_head };
        }
        now.duration_since(self.since)
    }

    fn verdict(&mut self, connection: &Connection) -> Verdict {
        let idle = self.idle_for(connection);
        let settings = &connection.traffic.settings;
        // HTTP/2 sends frames that are no requests; its requests' heads are bounded in size, and come at once.
        let in_head = self.begun == 0 || (self.had_partial_head && !connection.is_http2.load(Relaxed));
        if in_head && !self.was_active && idle >= settings.header_read_timeout {
            Verdict::HeaderTimeout
        } else if idle >= settings.keep_alive_timeout {
            Verdict::Idle
        } else {
            Verdict::Wait
        }
    }
}
