//! A connection that is kept up: one at a time, and made anew when it is lost.

use std::{sync::Arc, time::Duration};

use ::redis::{RedisError, aio::MultiplexedConnection, cmd};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    connector::{Connected, Connector, TRY, ask},
    error,
    time::jittered,
};

/// How long to wait after a first try that failed, and at most: less than between two checks, so that the one after
/// Redis came back finds it. Doubled each time, with jitter.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How old a connection has to be before a server that only reads is left for one that may have taken its place.
const READER: Duration = Duration::from_secs(5);

/// What commands go through.
pub(super) struct Link {
    pub(super) connector: Arc<Connector>,
    state: watch::Receiver<State>,
    shared: Arc<Shared>,
    timeout: Duration,
    name: String,
}

/// What commands tell the keeper.
#[derive(Default)]
struct Shared {
    /// A command had no answer in time.
    doubt: Notify,
    /// A command was told that this server only reads.
    reader: Notify,
    closing: CancellationToken,
}

/// Whether there is a connection.
enum State {
    Up(MultiplexedConnection),
    /// The first try since the loss is under way: who waits for it may not have to fail.
    Trying,
    /// The last try failed; the next one comes.
    Away(String),
    Closed,
}

/// Keeps the connection up, in a task of its own, until it is closed or nobody can use it any more.
struct Keeper {
    connector: Arc<Connector>,
    state: watch::Sender<State>,
    shared: Arc<Shared>,
    timeout: Duration,
    pauses: Pauses,
    name: String,
}

/// How long to wait before the next try.
pub(super) struct Pauses(Duration);

/// Why a command was not sent.
pub(super) struct NotSent {
    pub(super) error_type: &'static str,
    pub(super) error: RedisError,
}

// === impl Link ===

impl Link {
    pub(super) fn new(connector: Connector, connected: Connected, timeout: Duration, name: String) -> Self {
        let (connector, shared) = (Arc::new(connector), Arc::<Shared>::default());
        let (sender, state) = watch::channel(State::Up(connected.connection.clone()));
        let keeper = Keeper {
            connector: Arc::clone(&connector),
            state: sender,
            shared: Arc::clone(&shared),
            timeout,
            pauses: Pauses::new(),
            name: name.clone(),
        };
        tokio::spawn(keeper.keep(connected));
        Self { connector, state, shared, timeout, name }
    }

    /// The connection, or at once why there is none. A first try to make a new one is waited for, and what is left of
    /// the time-out is for the answers.
    pub(super) async fn connection(&self) -> Result<MultiplexedConnection, NotSent> {
        if let State::Up(connection) = &*self.state.borrow() {
            return Ok(connection.clone());
        }
        let mut state = self.state.clone();
        let began = Instant::now();
        let settled = timeout(self.timeout, state.wait_for(|state| !matches!(state, State::Trying))).await;
        match settled {
            Ok(Ok(state)) => match &*state {
                State::Up(connection) => {
                    let mut connection = connection.clone();
                    connection.set_response_timeout(self.timeout.saturating_sub(began.elapsed()));
                    Ok(connection)
                }
                State::Away(why) => Err(self.disconnected(why)),
                State::Closed | State::Trying => Err(self.closed()),
            },
            Ok(Err(_)) => Err(self.closed()),
            Err(_) => Err(self.disconnected("the connection was lost")),
        }
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.shared.closing.is_cancelled()
    }

    pub(super) fn closed(&self) -> NotSent {
        self.not_sent("closed", "the connection was closed")
    }

    pub(super) fn disconnected(&self, why: &str) -> NotSent {
        self.not_sent("disconnected", why)
    }

    fn not_sent(&self, error_type: &'static str, why: &str) -> NotSent {
        NotSent { error_type, error: error::not_sent(format!("{}: {why}", self.name)) }
    }

    /// Has the connection looked at: a command had no answer in time.
    pub(super) fn doubt(&self) {
        self.shared.doubt.notify_one();
    }

    /// Has a new connection made: this server only reads, and after a failover its name leads to another.
    pub(super) fn leave_reader(&self) {
        self.shared.reader.notify_one();
    }

    /// Ends the connection once what was sent is answered. Commands that come later fail.
    pub(super) async fn close(&self) {
        self.shared.closing.cancel();
        let mut state = self.state.clone();
        // An error says that the keeper is gone.
        while state.changed().await.is_ok() {}
    }
}

// === impl Keeper ===

impl Keeper {
    async fn keep(mut self, mut connected: Connected) {
        let mut lost: Option<Instant> = None;
        loop {
            let Some(why) = self.hold(connected).await else { break };
            tracing::warn!(target: "seaworthy::redis", "the connection to Redis at {} was lost: {why}", self.name);
            let before = lost.replace(Instant::now());
            if before.is_some_and(|before| before.elapsed() < PAUSES.1) {
                // One that doesn't last is not made again and again.
                self.state.send_replace(State::Away(why));
                if self.pause().await.is_none() {
                    break;
                }
            } else {
                self.state.send_replace(State::Trying);
                self.pauses = Pauses::new();
            }
            let Some(again) = self.reconnect().await else { break };
            connected = again;
        }
        self.state.send_replace(State::Closed);
    }

    /// Holds the connection until it is lost, and tells why. `None` where it is not needed any more.
    async fn hold(&self, connected: Connected) -> Option<String> {
        let Connected { mut connection, driver } = connected;
        let mut driver = AbortOnDropHandle::new(tokio::spawn(driver));
        self.state.send_replace(State::Up(connection.clone()));
        let began = Instant::now();
        loop {
            tokio::select! {
                _ = &mut driver => return Some("it was closed".into()),
                () = self.shared.doubt.notified() => {
                    if let Err(error) = ask(&mut connection, &cmd("PING")).await
                        && !error::is_alive(&error)
                    {
                        return Some(format!("it doesn't answer: {error}"));
                    }
                }
                () = self.shared.reader.notified() => {
                    if began.elapsed() >= READER {
                        // What was sent is still answered.
                        drop(driver.detach());
                        return Some("it only reads, and another may have taken its place".into());
                    }
                }
                () = self.is_over() => {
                    self.state.send_replace(State::Closed);
                    drop(connection);
                    // It ends once all is answered that was sent, also for those who don't wait any more.
                    _ = timeout(self.timeout, driver).await;
                    return None;
                }
            }
        }
    }

    /// Tries until there is a connection. `None` where it is not needed any more.
    async fn reconnect(&mut self) -> Option<Connected> {
        let mut told = None;
        loop {
            let tried = tokio::select! {
                tried = self.connector.connect(Instant::now() + TRY, Some(self.timeout)) => tried,
                () = self.is_over() => return None,
            };
            let problem = match tried {
                Ok(connected) => {
                    tracing::info!(target: "seaworthy::redis", "connected to Redis at {} again", self.name);
                    return Some(connected);
                }
                Err(problem) => problem,
            };
            self.state.send_replace(State::Away(problem.to_string()));
            if told.as_ref() != Some(&problem) {
                tracing::warn!(target: "seaworthy::redis", "Redis at {} is not available: {problem}", self.name);
                told = Some(problem);
            }
            self.pause().await?;
        }
    }

    async fn pause(&mut self) -> Option<()> {
        let pause = self.pauses.next();
        tokio::select! {
            () = sleep(pause) => Some(()),
            () = self.is_over() => None,
        }
    }

    /// It was closed, or nobody can use it any more.
    async fn is_over(&self) {
        tokio::select! {
            () = self.shared.closing.cancelled() => {}
            () = self.state.closed() => {}
        }
    }
}

// === impl Pauses ===

impl Pauses {
    pub(super) fn new() -> Self {
        Self(PAUSES.0)
    }

    /// Between half of it and all of it, so that replicas don't come in step.
    pub(super) fn next(&mut self) -> Duration {
        let pause = jittered(self.0);
        self.0 = (self.0 * 2).min(PAUSES.1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::redis::server::connect_to;

    #[tokio::test]
    async fn the_wait_for_a_connection_is_of_the_time_of_the_command() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let pause = Duration::from_millis(1200);
        // It closes the first connection when it is asked for more than a PONG. On the second it is slow, then silent.
        let server = tokio::spawn(async move {
            let mut asked = [0; 64];
            for pause in [Duration::ZERO, pause] {
                let (mut stream, _) = listener.accept().await.unwrap();
                _ = stream.read(&mut asked).await.unwrap();
                sleep(pause).await;
                stream.write_all(b"+PONG\r\n").await.unwrap();
                while stream.read(&mut asked).await.is_ok_and(|count| count > 0 && !pause.is_zero()) {}
            }
        });
        let redis = connect_to(&url).await;
        // The first ones fail at once, on the connection that is lost.
        let took = loop {
            let began = Instant::now();
            cmd("GET").arg("key").query_async::<()>(&mut redis.clone()).await.unwrap_err();
            if began.elapsed() > pause / 2 {
                break began.elapsed();
            }
        };
        assert!(took < Duration::from_millis(2800), "{took:?}");
        server.abort();
    }

    #[test]
    fn pauses_grow_to_the_longest_and_differ() {
        let mut pauses = Pauses::new();
        let mut longest = PAUSES.0;
        for _ in 0..8 {
            let pause = pauses.next();
            assert!(pause >= longest / 2 && pause <= longest, "{pause:?} of {longest:?}");
            longest = (longest * 2).min(PAUSES.1);
        }
        assert_eq!(longest, PAUSES.1);
        let some: Vec<Duration> = (0..8).map(|_| pauses.next()).collect();
        assert!(some.iter().any(|pause| *pause != some[0]), "{some:?}");
    }
}
