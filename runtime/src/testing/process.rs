//! Runs a real binary.

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, WaitId, WaitIdOptions};
use serde_json::Value;

use super::{
    client::{Connection, Response},
    output::{Exit, Missed, Stream, Watched},
};

/// What of the test's environment the process gets.
const KEPT: [&str; 6] = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"];

/// How long a wait may take unless the caller says.
const PATIENCE: Duration = Duration::from_secs(30);

/// A service that runs as a process of its own: the real binary, on free ports of the loopback.
///
/// Its lines are read as they come, and every wait is for one of them or for an answer; one that takes too long panics
/// and shows what the process wrote. Dropped, the process is killed.
///
/// ```no_run
/// # #[allow(unexpected_cfgs)] fn binary() -> &'static str { "target/debug/hello" }
/// use seaworthy::testing::Process;
///
/// # let binary = binary(); // in a test: env!("CARGO_BIN_EXE_hello")
/// let hello = Process::builder(binary).env("GREETING", "Ahoy").spawn();
/// hello.wait_ready();
/// assert_eq!(hello.get("/hello/Ada").status, 200);
/// hello.assert_contract();
/// ```
pub struct Process {
    child: Mutex<Child>,
    pid: Pid,
    watched: Arc<Watched>,
    started: Instant,
    signalled: Mutex<Option<Instant>>,
    /// Whether what it wrote is in the message of a panic.
    shown: AtomicBool,
}

/// How a [`Process`] is started.
#[derive(Clone, Debug)]
#[must_use = "`spawn` starts the process"]
pub struct ProcessBuilder {
    binary: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
}

/// A signal to send to a [`Process`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// SIGTERM, as Kubernetes sends it.
    Term,
    /// SIGINT, as Ctrl-C sends it.
    Int,
    /// SIGKILL.
    Kill,
}

// === impl ProcessBuilder ===

impl ProcessBuilder {
    /// Sets an environment variable, also one that is set by default.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Starts the process, and doesn't wait for anything it does.
    ///
    /// # Panics
    ///
    /// If the binary can't be run.
    #[must_use]
    pub fn spawn(self) -> Process {
        let Self { binary, arguments, variables } = self;
        let mut command = Command::new(&binary);
        command.args(arguments).env_clear();
        command.envs(KEPT.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command.envs(variables);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{} can't be run: {error}", binary.display()));
        let pid = Pid::from_child(&child);
        let watched = Arc::<Watched>::default();
        if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
            let (of_out, of_err) = (Arc::clone(&watched), Arc::clone(&watched));
            thread::spawn(move || of_out.read(Stream::Out, out));
            thread::spawn(move || of_err.read(Stream::Err, err));
        }
        let of_exit = Arc::clone(&watched);
        thread::spawn(move || {
            // Leaves the process to be reaped by its owner, so that its id can't be taken by another until then.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = rustix::process::waitid(WaitId::Pid(pid), options) {}
            of_exit.exited();
        });
        Process {
            child: Mutex::new(child),
            pid,
            watched,
            started,
            signalled: Mutex::new(None),
            shown: AtomicBool::new(false),
        }
    }
}

// === impl Process ===

impl Process {
    /// Prepares to run a binary; in a test, `env!("CARGO_BIN_EXE_<name>")`.
    ///
    /// It will listen on free ports of the loopback and log JSON. Of the test's environment it gets only what a program
    /// needs to run (`PATH`, `HOME` and the like): no `OTEL_*`, no `KUBERNETES_*`, no setting.
    pub fn builder(binary: impl Into<PathBuf>) -> ProcessBuilder {
        ProcessBuilder { binary: binary.into(), arguments: Vec::new(), variables: Vec::new() }
            .env("HTTP_ADDR", "127.0.0.1:0")
            .env("ADMIN_ADDR", "127.0.0.1:0")
            .env("LOG_FORMAT", "json")
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Where it serves requests. Waits until it listens.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.address("http.address")
    }

    /// Where it serves probes and metrics. Waits until it listens.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.address("admin.address")
    }

    /// Opens a connection to where it serves requests.
    #[must_use]
    pub fn connect(&self) -> Connection {
        let address = self.http_addr();
        Connection::open(address).unwrap_or_else(|error| self.fail(format_args!("no connection to {address}: {error}")))
    }

    /// Sends a GET on a connection of its own and waits for the answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Response {
        self.ask(self.http_addr(), path)
    }

    /// Sends a GET to where probes and metrics are served, on a connection of its own, and waits for the answer.
    #[must_use]
    pub fn admin(&self, path: &str) -> Response {
        self.ask(self.admin_addr(), path)
    }

    /// Waits until `/ready` says 200.
    pub fn wait_ready(&self) {
        self.wait_for_state("ready");
        self.wait_until("/ready is 200", || self.admin("/ready").status == 200);
    }

    /// Waits until it enters a state of its life: `starting`, `ready`, `lame_duck`, `draining`, `cancelling`,
    /// `closing`, `flushing`, `stopped`. One that it entered before counts.
    pub fn wait_for_state(&self, state: &str) {
        self.wait_log(&format!("state {state:?}"), |line| line["lifecycle.state"] == state);
    }

    /// Waits for a log line that `wanted` accepts, and gives it. One that was written before counts.
    pub fn wait_for_log(&self, wanted: impl FnMut(&Value) -> bool) -> Value {
        self.wait_log("a log line", wanted)
    }

    /// Asks again and again until the answer is yes: for what the process doesn't tell by itself.
    pub fn wait_until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            if Instant::now() > deadline {
                self.fail(format_args!("waited {PATIENCE:?} until {what}"));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends a signal. One that comes after the process ended is ignored.
    pub fn signal(&self, signal: Signal) {
        let mut signalled = lock(&self.signalled);
        signalled.get_or_insert_with(Instant::now);
        // An error can only mean that the process is gone: it is not reaped before `wait_exit`, which takes note of it.
        let _gone = rustix::process::kill_process(self.pid, signal.number());
    }

    /// Waits until the process exited and all it wrote was read.
    pub fn wait_exit(&self, within: Duration) -> Exit {
        let ended = self
            .watched
            .wait(within, |state| state.end())
            .unwrap_or_else(|_| self.fail(format_args!("it didn't exit within {within:?}")));
        let status = lock(&self.child)
            .wait()
            .unwrap_or_else(|error| self.fail(format_args!("its status can't be read: {error}")));
        let since = lock(&self.signalled).unwrap_or(self.started);
        Exit::new(status, ended.saturating_duration_since(since))
    }

    /// The log lines so far, those that are JSON.
    #[must_use]
    pub fn logs(&self) -> Vec<Value> {
        self.watched.logs()
    }

    /// The states it entered so far.
    #[must_use]
    pub fn states(&self) -> Vec<String> {
        self.logs().iter().filter_map(|line| line["lifecycle.state"].as_str()).map(str::to_owned).collect()
    }

    /// What it wrote to stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.watched.text(Stream::Out)
    }

    /// What it wrote to stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.watched.text(Stream::Err)
    }

    /// Panics, and shows what the process wrote.
    pub(super) fn fail(&self, problem: impl fmt::Display) -> ! {
        self.shown.store(true, Ordering::Relaxed);
        panic!("{problem}; the process {} wrote:\n{}", self.pid.as_raw_nonzero(), self.watched)
    }

    fn address(&self, field: &str) -> SocketAddr {
        let line = self.wait_log("the line that says where it listens", |line| line["message"] == "listening");
        line[field]
            .as_str()
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| self.fail(format_args!("no {field} in {line}")))
    }

    fn ask(&self, address: SocketAddr, path: &str) -> Response {
        Connection::open(address)
            .and_then(|mut connection| connection.request("GET", path, &[("connection", "close")], b""))
            .unwrap_or_else(|error| self.fail(format_args!("no answer to GET {path}: {error}")))
    }

    fn wait_log(&self, what: &str, wanted: impl FnMut(&Value) -> bool) -> Value {
        self.watched.wait_for_log(PATIENCE, wanted).unwrap_or_else(|missed| match missed {
            Missed::TooLate => self.fail(format_args!("waited {PATIENCE:?} for {what}")),
            Missed::Ended => self.fail(format_args!("it ended before {what} came")),
        })
    }
}

/// Kills the process if it still runs. In a test that fails, shows what it wrote.
impl Drop for Process {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        // Both fail only where the process is gone already.
        let _killed = child.kill();
        let _reaped = child.wait();
        if thread::panicking() && !self.shown.load(Ordering::Relaxed) {
            eprintln!("the process {} wrote:\n{}", self.pid.as_raw_nonzero(), self.watched);
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("id", &self.id()).finish_non_exhaustive()
    }
}

// === impl Signal ===

impl Signal {
    fn number(self) -> rustix::process::Signal {
        match self {
            Self::Term => rustix::process::Signal::TERM,
            Self::Int => rustix::process::Signal::INT,
            Self::Kill => rustix::process::Signal::KILL,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
