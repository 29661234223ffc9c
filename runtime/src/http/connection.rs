//! One connection: reads requests, hands each to the router, and ends when its time has come.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::Ordering::{Acquire, Relaxed},
    },
    task::Poll,
    time::Duration,
};

use axum::Router;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use super::{
    answers::{Answer, Answers},
    io::Socket,
    protocol::Serving,
    traffic::Connection,
};
use crate::lifecycle::State;

/// How long an idle connection stays open once the drain began, for the request that may be on its way.
const LINGER: Duration = Duration::from_secs(1);
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
            // `serving` is polled again, so that each handler notices and answers; what is left has a moment to be sent.
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
    Serving::http1_within(idle_timeout, Socket::new(stream, None), Answers::OfProcess(answer)).await;
}

// === impl Stall ===

enum Verdict {
    Wait,
    /// The client began a request, or a connection, and did not go on.
    HeaderTimeout,
    /// There was no request for long.
    Idle,
}

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
