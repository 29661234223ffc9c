//! A load over HTTP/1.1 that knows what became of each request: h2load and wrk can't tell a connection that was refused
//! from an answer that was lost.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use seaworthy::testing::Connection;

/// Clients that send one request after the other.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Tally>>,
}

/// What became of the requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Those that were answered with 200, whole.
    pub(crate) answered: u64,
    /// Those that may have reached the service and got no whole answer, or another: why.
    pub(crate) lost: Vec<String>,
    /// Connections that were refused, or closed before the service took them from the kernel's queue. Nothing was
    /// promised to these: the listener was gone.
    pub(crate) refused: u64,
}

/// How a client uses its connections: client 1 or 2 of the fixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It sends one request after the other on one, until the server says that it will close it.
    KeepAlive,
    /// It opens one for each request.
    Never,
}

// === impl Load ===

impl Load {
    /// Starts clients. Each ends when it is told to, or when no connection can be opened any more.
    pub(crate) fn start(address: SocketAddr, reuse: Reuse, clients: usize) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let clients = (0..clients)
            .map(|_| {
                let stop = Arc::clone(&stop);
                thread::spawn(move || client(address, reuse, &stop))
            })
            .collect();
        Self { stop, clients }
    }

    /// Tells the clients to end after their current request.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits until all clients ended.
    pub(crate) fn join(self) -> Tally {
        let mut tally = Tally::default();
        for client in self.clients {
            tally.add(client.join().expect("a client doesn't panic"));
        }
        tally
    }
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        let Self { answered, lost, refused } = other;
        self.answered += answered;
        self.lost.extend(lost);
        self.refused += refused;
    }
}

fn client(address: SocketAddr, reuse: Reuse, stop: &AtomicBool) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut connection) = Connection::open(address) else {
            tally.refused += 1;
            return tally;
        };
        let mut first = true;
        while !stop.load(Ordering::Relaxed) {
            match ask(&mut connection, reuse) {
                Ok(Answer::Whole { closes }) => {
                    tally.answered += 1;
                    first = false;
                    if closes {
                        break;
                    }
                }
                Ok(Answer::Other(what)) => {
                    tally.lost.push(what);
                    break;
                }
                Err((error, 0)) if first && is_closed(&error) => {
                    tally.refused += 1;
                    return tally;
                }
                Err((error, lines)) => {
                    tally.lost.push(format!("first: {first}, lines: {lines}, {error}"));
                    break;
                }
            }
        }
    }
    tally
}

enum Answer {
    Whole { closes: bool },
    Other(String),
}

/// Sends one request. An error comes with how much of an answer came before it.
fn ask(connection: &mut Connection, reuse: Reuse) -> Result<Answer, (io::Error, usize)> {
    let (path, headers): (_, &[_]) = match reuse {
        Reuse::KeepAlive => ("/fast?client=1", &[]),
        Reuse::Never => ("/fast?client=2", &[("connection", "close")]),
    };
    let unanswered = |error| (error, 0);
    connection.send("GET", path, headers, b"").map_err(unanswered)?;
    if connection.is_closed().map_err(unanswered)? {
        return Err(unanswered(io::ErrorKind::UnexpectedEof.into()));
    }
    let response = connection.receive().map_err(|error| (error, 1))?;
    if response.status != 200 || response.body != b"ok" {
        return Ok(Answer::Other(format!("{response:?}")));
    }
    let closes = response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(Answer::Whole { closes })
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}
