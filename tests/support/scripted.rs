//! A collector of OTLP over HTTP that does what a test tells it, byte by byte.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use super::own_address;

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Takes the spans.
    Takes,
    /// Takes no connection.
    Refuses,
    /// Never answers.
    Hangs,
    /// Sends this, and closes the connection.
    Says(&'static str),
}

/// The collector. Its connections end with it.
pub(crate) struct Scripted {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// None while it refuses.
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    requests: Mutex<Vec<Instant>>,
    /// Requests that hang.
    held: Mutex<Vec<TcpStream>>,
    taken: AtomicU64,
}

// === impl Scripted ===

impl Scripted {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let shared = Shared {
            behaviour: Mutex::new(behaviour),
            requests: Mutex::default(),
            held: Mutex::default(),
            taken: AtomicU64::new(0),
        };
        let mut scripted = Self { address: own_address(), shared: Arc::new(shared), listening: None };
        scripted.behave(behaviour);
        scripted
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Does this from now on, also with requests that hang.
    pub(crate) fn behave(&mut self, behaviour: Behaviour) {
        *lock(&self.shared.behaviour) = behaviour;
        lock(&self.shared.held).clear();
        if behaviour == Behaviour::Refuses {
            if let Some(listening) = self.listening.take() {
                // It looks at what it is to do with each connection.
                let _ = TcpStream::connect(self.address);
                listening.join().expect("it doesn't panic");
            }
        } else if self.listening.is_none() {
            let listener = TcpListener::bind(self.address).expect("nobody took its port");
            let shared = Arc::clone(&self.shared);
            self.listening = Some(thread::spawn(move || shared.listen(&listener)));
        }
    }

    /// When each request came that it read so far.
    pub(crate) fn requests(&self) -> Vec<Instant> {
        lock(&self.shared.requests).clone()
    }

    /// How many spans of requests for `/fast` it took so far.
    pub(crate) fn taken(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.behave(Behaviour::Refuses);
    }
}

// === impl Shared ===

impl Shared {
    fn listen(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if *lock(&self.behaviour) == Behaviour::Refuses {
                return;
            }
            let shared = Arc::clone(&self);
            // A client that goes away ends its connection.
            thread::spawn(move || stream.and_then(|stream| shared.serve(stream)));
        }
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let body = read_request(&mut stream)?;
            lock(&self.requests).push(Instant::now());
            let behaviour = *lock(&self.behaviour);
            match behaviour {
                Behaviour::Takes => {
                    let name = b"GET /fast";
                    let spans = body.windows(name.len()).filter(|window| window == name).count();
                    self.taken.fetch_add(spans as u64, Ordering::Relaxed);
                    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
                }
                Behaviour::Says(answer) => return stream.get_mut().write_all(answer.as_bytes()),
                Behaviour::Hangs => {
                    lock(&self.held).push(stream.into_inner());
                    return Ok(());
                }
                Behaviour::Refuses => return Ok(()),
            }
        }
    }
}

fn read_request(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
