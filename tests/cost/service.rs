//! The service as a process, and the load on it.

use std::{
    env,
    io::Read,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::collector::Collector;

/// How long a process may take to start and to end: under valgrind it is slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than `OTEL_BSP_SCHEDULE_DELAY` below: all spans have been sent.
const SETTLED: Duration = Duration::from_millis(800);

/// Which service, and how much of it is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampled {
    /// Bare axum traces nothing.
    BareAxum,
    /// Seaworthy traces each request.
    All,
    /// Seaworthy traces no request.
    None,
}

/// A service that answers. It is killed when dropped.
pub(crate) struct Service {
    child: Child,
    http: SocketAddr,
    allocations: SocketAddr,
}

/// Builds the service with optimization, and returns where it is.
pub(crate) fn build() -> PathBuf {
    let program = env::current_exe().expect("this program is a file");
    let target = program.ancestors().nth(3).expect("it is in `debug/deps` of the target folder");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "--package", env!("CARGO_PKG_NAME"), "--bin", "cost"])
        .args(["--profile", "cost", "--target-dir"])
        .arg(target)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "`cost` doesn't build");
    target.join("cost/cost")
}

/// The program in valgrind, which counts its instructions.
pub(crate) fn emulated(program: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    valgrind
}

// === impl Service ===

impl Service {
    /// Starts it, and waits for its first answer.
    pub(crate) fn start(mut command: Command, sampled: Sampled, collector: &Collector) -> Self {
        let [http, admin, allocations] = free_addresses();
        if sampled == Sampled::BareAxum {
            command.arg("bare-axum");
        }
        let ratio = if sampled == Sampled::All { "1" } else { "0" };
        let child = command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HTTP_ADDR", http.to_string())
            .env("ADMIN_ADDR", admin.to_string())
            .env(allocations::ADDRESS, allocations.to_string())
            .env("TOKIO_WORKER_THREADS", "1")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
            .env("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
            .env("OTEL_TRACES_SAMPLER_ARG", ratio)
            // No span is dropped, and none waits for long: their export is part of the cost.
            .env("OTEL_BSP_MAX_QUEUE_SIZE", "65536")
            .env("OTEL_BSP_SCHEDULE_DELAY", "200")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; valgrind: apt-get install -y valgrind"));
        let mut service = Self { child, http, allocations };
        service.wait_ready();
        service
    }

    fn wait_ready(&mut self) {
        let start = Instant::now();
        while TcpStream::connect(self.http).is_err() {
            if self.child.try_wait().expect("it is a child").is_some() || start.elapsed() > PATIENCE {
                // Else it would not be at its end.
                let _ = self.child.kill();
                panic!("it doesn't serve: {}", self.said());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends as many requests over 64 connections.
    pub(crate) fn load(&self, requests: u32) {
        let url = format!("http://{}/hello/Ada", self.http);
        let output = Command::new("h2load")
            .args(["--h1", "-t1", "-c64", &format!("-n{requests}"), &url])
            .output()
            .unwrap_or_else(|error| panic!("h2load: {error}; install it: apt-get install -y nghttp2-client"));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(&format!(" {requests} succeeded, 0 failed")), "{said}");
    }

    /// How often it allocated until now, with all that was to be sent.
    pub(crate) fn allocations(&self) -> u64 {
        thread::sleep(SETTLED);
        let count = allocations::ask(self.allocations).expect("it tells");
        count.try_into().expect("it fits")
    }

    /// Asks it to end, and returns how many instructions valgrind counted.
    pub(crate) fn stop_counted(mut self) -> u64 {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("it is a process");
        kill_process(id, Signal::TERM).expect("it is a child");
        // "==1234== Collected : 123456"
        let said = self.said();
        said.lines()
            .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
            .unwrap_or_else(|| panic!("valgrind counted nothing: {said}"))
    }

    /// What it wrote on stderr until its end.
    fn said(&mut self) -> String {
        let mut said = String::new();
        let stderr = self.child.stderr.as_mut().expect("it is piped");
        stderr.read_to_string(&mut said).expect("it is text");
        said
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Addresses that nobody listens on, by the kernel's choice.
fn free_addresses() -> [SocketAddr; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("there is a free port"));
    listeners.each_ref().map(|listener| listener.local_addr().expect("it is bound"))
}
