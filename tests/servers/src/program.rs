//! A program that runs until it is stopped, and what it says.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// An address of the loopback that nobody else uses, with this port.
#[must_use]
pub fn own_address(port: u16) -> SocketAddr {
    static USED: AtomicU8 = AtomicU8::new(2);
    let [.., high, low] = std::process::id().to_be_bytes();
    // The other tests of this workspace have the odd ones.
    let address = Ipv4Addr::new(127, high & 0xfe, low, USED.fetch_add(1, Ordering::Relaxed));
    SocketAddr::from((address, port))
}

/// A folder that is removed with its value.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new one in that of temporary files, which anybody may enter. Its name has this in it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("seaworthy-{name}-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder can be made");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in the way of nobody.
        let _left = fs::remove_dir_all(&self.0);
    }
}

/// How a program shows that it is there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ready {
    /// It writes a line with this text.
    Says(&'static str),
    /// It listens there.
    Listens(SocketAddr),
}

/// A program that runs. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Program {
    /// Starts it, and waits until a line that it writes holds this text, or until it listens on the address.
    ///
    /// `package` is the one of Debian that brings it.
    pub(crate) fn start(mut command: Command, package: &str, ready: Ready) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            let program = command.get_program().display();
            panic!("{program} can't be run ({error}): install it with `apt-get install {package}`, or `./tests/all.sh install`")
        });
        let said = Arc::<Mutex<String>>::default();
        let (tell, is_ready) = mpsc::channel();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as _),
            child.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        for stream in streams.into_iter().flatten() {
            let (said, tell) = (Arc::clone(&said), tell.clone());
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    said.lock().unwrap_or_else(PoisonError::into_inner).push_str(&format!("{line}\n"));
                    if matches!(ready, Ready::Says(text) if line.contains(text)) {
                        // Nobody waits any more where it says so again.
                        let _again = tell.send(());
                    }
                }
            });
        }
        drop(tell);
        let mut program = Self { child, said };
        let is_ready = match ready {
            // An error: it ended, or it takes too long.
            Ready::Says(_) => is_ready.recv_timeout(PATIENCE).is_ok(),
            Ready::Listens(address) => program.listens(address),
        };
        assert!(is_ready, "it does not start: {}", program.said());
        program
    }

    /// Waits until it listens: whether it does. Not, where it ended.
    fn listens(&mut self, address: SocketAddr) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) || Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// All that it wrote so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Sends the signal that it ends with, and waits until it did.
    pub(crate) fn stop(mut self, signal: Signal) {
        self.signal(signal);
        self.child.wait().expect("it can be waited for");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
