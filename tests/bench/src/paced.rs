//! A client that asks on time: its requests are evenly spaced, whatever becomes of those before, and each answer counts
//! from when its request was due. What a service does while it stalls is so felt by all whose turn came meanwhile.

use std::{
    error::Error,
    fmt,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{Timespec, epoll},
    fd::OwnedFd,
};

/// Connections that stay open; requests take them in turn.
pub(crate) const CONNECTIONS: u64 = 64;
/// What an answer may take, with its head, in bytes.
const ANSWER: usize = 4096;
/// How many requests the client itself may send too late.
const LATE_SHARE: f64 = 0.01;
/// How long a service may answer nothing.
const SILENT: Duration = Duration::from_secs(10);
const NO_TIME: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// How many requests, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) per_second: f64,
    /// Sent before, and not measured.
    pub(crate) warm_up: Duration,
    pub(crate) lasts: Duration,
    /// How late the client itself may be.
    pub(crate) late: Duration,
}

/// How long answers took, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) median: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    /// How late the client itself was, at its 99th percentile: part of the others.
    pub(crate) late: f64,
}

/// Why there is no latency.
#[derive(Debug)]
pub(crate) enum Unmeasured {
    /// The client didn't keep its pace, so that it would measure itself.
    Late(Pace),
    /// The service didn't answer as it should.
    Answer(String),
    /// The service answered nothing more.
    Silent,
    Io(io::Error),
}

/// When requests are due, counted from 0.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    nanoseconds_each: f64,
    /// Those before are not measured.
    warm: u64,
    total: u64,
}

/// A connection with at most one request on its way.
#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// How many of its requests were due, and how many of them were answered.
    due: u64,
    answered: u64,
    answer: Box<[u8; ANSWER]>,
    filled: usize,
}

/// What was measured, in nanoseconds. It never grows.
#[derive(Debug)]
struct Samples(Vec<u32>);

/// All connections, and what came of them until now.
#[derive(Debug)]
struct Client<'a> {
    request: &'a [u8],
    pace: Pace,
    schedule: Schedule,
    poll: OwnedFd,
    connections: Vec<Connection>,
    /// The next request to be due, and how many were answered.
    turn: u64,
    answered: u64,
    took: Samples,
    late: Samples,
    too_late: u64,
    start: Instant,
    /// When something happened last, in nanoseconds since the start.
    active: u64,
}

/// Sends the request again and again, and looks at each answer. Never sleeps: its thread should have a core, and what
/// else runs there gets it whenever there is nothing to do.
///
/// # Errors
///
/// Where an answer is not a 200, or the client itself is late too often.
pub(crate) fn run(server: SocketAddr, request: &[u8], pace: Pace) -> Result<Latency, Unmeasured> {
    let mut client = Client::connect(server, request, pace)?;
    client.start = Instant::now();
    while client.answered < client.schedule.total {
        // One a pass, so that answers are not left waiting where there is much to catch up with.
        let sent = client.send_due()?;
        let received = client.receive_ready()?;
        if !(sent || received) {
            client.idle()?;
        }
    }
    let (took, late) = (client.took.sort(), client.late.sort());
    Ok(Latency { median: took.at(0.5), p90: took.at(0.9), p99: took.at(0.99), late: late.at(0.99) })
}

// === impl Client ===

impl<'a> Client<'a> {
    fn connect(server: SocketAddr, request: &'a [u8], pace: Pace) -> io::Result<Self> {
        let schedule = Schedule::new(pace);
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let connections =
            (0..CONNECTIONS).map(|index| Connection::open(server, &poll, index)).collect::<io::Result<_>>()?;
        Ok(Self {
            request,
            pace,
            schedule,
            poll,
            connections,
            turn: 0,
            answered: 0,
            took: Samples::new(schedule.measured()),
            late: Samples::new(schedule.measured()),
            too_late: 0,
            start: Instant::now(),
            active: 0,
        })
    }

    fn now(&self) -> u64 {
        nanoseconds(self.start.elapsed())
    }

    /// Sends the next request if it is due; whether it was.
    fn send_due(&mut self) -> Result<bool, Unmeasured> {
        let now = self.now();
        let due = self.schedule.due(self.turn);
        if self.turn == self.schedule.total || due > now {
            return Ok(false);
        }
        if self.turn >= self.schedule.warm {
            self.late.add(now - due);
            self.too_late += u64::from(now - due > nanoseconds(self.pace.late));
            if self.too_late as f64 > self.schedule.measured() as f64 * LATE_SHARE {
                return Err(Unmeasured::Late(self.pace));
            }
        }
        let connection = self.turn % CONNECTIONS;
        if let Some(connection) = self.connections.get_mut(connection as usize) {
            connection.turn(self.request)?;
        }
        self.turn += 1;
        self.active = now;
        Ok(true)
    }

    /// Reads from all connections on which something came; whether there were any.
    fn receive_ready(&mut self) -> Result<bool, Unmeasured> {
        let mut events = [epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) }; 64];
        let ready = epoll::wait(&self.poll, &mut events[..], Some(&NO_TIME)).map_err(io::Error::from)?;
        for event in events.iter().take(ready) {
            let index = event.data.u64();
            let Some(connection) = self.connections.get_mut(index as usize) else { continue };
            if !connection.receive()? {
                continue;
            }
            self.active = nanoseconds(self.start.elapsed());
            let answers = connection.answered * CONNECTIONS + index;
            if answers >= self.schedule.warm {
                self.took.add(self.active.saturating_sub(self.schedule.due(answers)));
            }
            self.answered += 1;
            connection.next(self.request)?;
        }
        Ok(ready > 0)
    }

    /// There is nothing to do: what else has to run on this core may.
    fn idle(&self) -> Result<(), Unmeasured> {
        if self.turn > self.answered && self.now() - self.active > nanoseconds(SILENT) {
            return Err(Unmeasured::Silent);
        }
        thread::yield_now();
        Ok(())
    }
}

// === impl Schedule ===

impl Schedule {
    fn new(Pace { per_second, warm_up, lasts, late: _ }: Pace) -> Self {
        let warm = (per_second * warm_up.as_secs_f64()) as u64;
        let measured = (per_second * lasts.as_secs_f64()).max(1.0) as u64;
        Self { nanoseconds_each: 1e9 / per_second, warm, total: warm + measured }
    }

    /// When it has to be sent, in nanoseconds since the start.
    fn due(&self, request: u64) -> u64 {
        (request as f64 * self.nanoseconds_each) as u64
    }

    fn measured(&self) -> u64 {
        self.total - self.warm
    }
}

// === impl Connection ===

impl Connection {
    fn open(server: SocketAddr, poll: &OwnedFd, index: u64) -> io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll::add(poll, &stream, epoll::EventData::new_u64(index), epoll::EventFlags::IN)?;
        Ok(Self { stream, due: 0, answered: 0, answer: Box::new([0; ANSWER]), filled: 0 })
    }

    /// A request is due: it is sent now, or after those before it.
    fn turn(&mut self, request: &[u8]) -> io::Result<()> {
        self.due += 1;
        match self.due - self.answered {
            1 => self.stream.write_all(request),
            _ => Ok(()),
        }
    }

    /// The request was answered: if another waits, it is sent.
    fn next(&mut self, request: &[u8]) -> io::Result<()> {
        self.answered += 1;
        match self.due > self.answered {
            true => self.stream.write_all(request),
            false => Ok(()),
        }
    }

    /// Reads what came; whether an answer is now whole.
    fn receive(&mut self) -> Result<bool, Unmeasured> {
        let read = match self.stream.read(self.answer.get_mut(self.filled..).unwrap_or_default()) {
            Ok(0) if self.filled == ANSWER => return Err(Unmeasured::Answer("an answer is too long".into())),
            Ok(0) => return Err(Unmeasured::Answer("a connection was closed".into())),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        self.filled += read;
        let answer = self.answer.get(..self.filled).unwrap_or_default();
        let Some(length) = length(answer).map_err(Unmeasured::Answer)? else { return Ok(false) };
        if self.due == self.answered || self.filled > length {
            return Err(Unmeasured::Answer("there is more than was asked for".into()));
        }
        let whole = self.filled == length;
        if whole {
            self.filled = 0;
        }
        Ok(whole)
    }
}

/// How long the answer is that starts like this; nothing where its head isn't whole yet, an error where it is no 200.
fn length(answer: &[u8]) -> Result<Option<usize>, String> {
    const OK: &[u8] = b"HTTP/1.1 200";
    let shown = |head: &[u8]| {
        String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned()
    };
    if answer.len() < OK.len() {
        return Ok(None);
    }
    if !answer.starts_with(OK) {
        return Err(format!("an answer is no 200: {}", shown(answer)));
    }
    let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let body = answer.get(..head).unwrap_or_default().split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(b"content-length:".len())?;
        let value = name.eq_ignore_ascii_case(b"content-length:").then(|| value.trim_ascii())?;
        str::from_utf8(value).ok()?.parse::<usize>().ok()
    });
    let body = body.ok_or("an answer doesn't say its length")?;
    Ok(Some(head + 4 + body))
}

// === impl Samples ===

impl Samples {
    /// Takes the memory for as many, and touches it.
    fn new(most: u64) -> Self {
        let mut samples = vec![u32::MAX; most as usize];
        samples.clear();
        Self(samples)
    }

    fn add(&mut self, nanoseconds: u64) {
        debug_assert!(self.0.len() < self.0.capacity(), "as many as there are requests");
        self.0.push(u32::try_from(nanoseconds).unwrap_or(u32::MAX));
    }

    fn sort(mut self) -> Self {
        self.0.sort_unstable();
        self
    }

    /// The smallest that this share of the samples doesn't exceed, in microseconds. They have to be sorted.
    fn at(&self, share: f64) -> f64 {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).map_or(f64::NAN, |nanoseconds| f64::from(*nanoseconds) / 1e3)
    }
}

// === impl Unmeasured ===

impl Error for Unmeasured {}

impl fmt::Display for Unmeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(Pace { per_second, late, .. }) => write!(
                f,
                "the client doesn't keep {per_second:.0} requests a second: it was over {late:?} late for more than {:.0} % of \
                 them. Nothing else may run on this machine",
                LATE_SHARE * 100.0
            ),
            Self::Answer(what) => write!(f, "the service doesn't answer as it should: {what}"),
            Self::Silent => write!(f, "the service answered nothing for {SILENT:?}"),
            Self::Io(error) => write!(f, "a connection to the service broke: {error}"),
        }
    }
}

impl From<io::Error> for Unmeasured {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "paced_tests.rs"]
mod tests;
