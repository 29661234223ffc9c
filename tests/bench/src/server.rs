//! A service that runs.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    collector::Collector,
    cores::Cores,
    variant::{Ready, Variant},
};

/// Where costs are counted, all spans are sent, and soon.
const LOSSLESS: &[(&str, &str)] = &[("OTEL_BSP_MAX_QUEUE_SIZE", "262144"), ("OTEL_BSP_SCHEDULE_DELAY", "1000")];
/// The address of no collector.
const AWAY: &[(&str, &str)] = &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")];
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How a service is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) cores: Cores,
    pub(crate) collector: &'a Collector,
}

/// The process of a service, on a core of its own. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) http: SocketAddr,
    admin: SocketAddr,
    pub(crate) allocations: SocketAddr,
    ready: Ready,
    started: Instant,
}

// === impl Launch ===

impl Launch<'_> {
    /// Starts the service with the queues that it has by default.
    pub(crate) fn server(&self, variant: &Variant, program: &Path) -> Result<Server, Box<dyn Error>> {
        self.start(variant, Command::new(program), &[])
    }

    /// Starts the service with queues in which nothing is dropped.
    pub(crate) fn lossless(&self, variant: &Variant, command: Command) -> Result<Server, Box<dyn Error>> {
        self.start(variant, command, LOSSLESS)
    }

    /// Starts the service where nothing listens at the address of its collector.
    pub(crate) fn alone(&self, variant: &Variant, program: &Path) -> Result<Server, Box<dyn Error>> {
        self.start(variant, Command::new(program), AWAY)
    }

    /// Starts the service with more variables.
    pub(crate) fn start(
        &self,
        variant: &Variant,
        mut command: Command,
        variables: &[(&str, &str)],
    ) -> Result<Server, Box<dyn Error>> {
        let [http, admin, allocations] = free_addresses()?;
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HTTP_ADDR", http.to_string())
            .env("ADMIN_ADDR", admin.to_string())
            .env(allocations::ADDRESS, allocations.to_string())
            .env("TOKIO_WORKER_THREADS", "1")
            .env("OTEL_SERVICE_NAME", "bench")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", self.collector.endpoint())
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
            .env("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
            .env("OTEL_TRACES_SAMPLER_ARG", variant.sampled.unwrap_or_default().to_string())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let (child, started) = self.cores.on_server(|| {
            let started = Instant::now();
            let spawned = command.spawn();
            let program = command.get_program().to_string_lossy();
            let child = spawned.map_err(|error| match (error.kind(), &*program) {
                (io::ErrorKind::NotFound, "valgrind") => {
                    io::Error::other("valgrind is missing: apt-get install valgrind")
                }
                _ => error,
            })?;
            Ok((child, started))
        })?;
        Ok(Server { child, http, admin, allocations, ready: variant.ready, started })
    }
}

// === impl Server ===

impl Server {
    /// Waits for the first 200, and returns how long it took since the start.
    pub(crate) fn wait_ready(&mut self) -> Result<Duration, Box<dyn Error>> {
        let (address, path) = match self.ready {
            Ready::Route => (self.http, "/hello/Ada"),
            Ready::Admin => (self.admin, "/ready"),
        };
        loop {
            if is_ok(address, path).unwrap_or(false) {
                return Ok(self.started.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the service ended with {status}: {}", self.said()).into());
            }
            if self.started.elapsed() > READY_WITHIN {
                return Err("the service doesn't become ready".into());
            }
            thread::sleep(Duration::from_micros(50));
        }
    }

    /// The time on a core of all its threads.
    pub(crate) fn cpu_time(&self) -> io::Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread that just ended has none.
            let times = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            nanoseconds += times.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap_or_default();
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Its resident memory, in bytes.
    pub(crate) fn memory(&self) -> Result<u64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// Asks it to end, waits for it, and returns what it wrote on stderr.
    pub(crate) fn stop(mut self) -> Result<String, Box<dyn Error>> {
        let id = i32::try_from(self.child.id())?;
        kill_process(Pid::from_raw(id).ok_or("no process")?, Signal::TERM)?;
        // Read before it is waited for: it could fill the pipe.
        let said = self.said();
        self.child.wait()?;
        Ok(said)
    }

    fn said(&mut self) -> String {
        let mut said = Vec::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            // What could be read is better than nothing.
            let _ = stderr.read_to_end(&mut said);
        }
        String::from_utf8_lossy(&said).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ok(address: SocketAddr, path: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(READY_WITHIN))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status == *b"HTTP/1.1 200")
}

/// Addresses that nobody listens on, by the kernel's choice.
fn free_addresses() -> io::Result<[SocketAddr; 3]> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners = [bind()?, bind()?, bind()?];
    let [a, b, c] = listeners.each_ref().map(TcpListener::local_addr);
    Ok([a?, b?, c?])
}
