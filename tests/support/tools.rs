//! Programs that the tests run. One that is missing fails the test with the line that installs it.

use std::{
    fmt::Write as _,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::workspace;

/// A load generator that runs: client 1, 2 or 3 of the fixture.
pub(crate) struct Generator {
    child: Child,
    tool: Tool,
}

#[derive(Clone, Copy, Debug)]
enum Tool {
    H2load,
    /// With more requests to send than it can: what it didn't send, it counts as failed.
    H2loadToTheEnd,
    /// With requests that are answered with 404.
    H2loadNotFound,
    Wrk,
}

// === impl Generator ===

impl Generator {
    /// h2load over HTTP/1.1 for a second: eight connections that are kept alive.
    pub(crate) fn h2load_http1(address: SocketAddr) -> Self {
        let url = format!("http://{address}/fast?client=1");
        Self::start(Tool::H2load, &["--h1", "-t1", "-c8", "-D1", &url])
    }

    /// h2load over cleartext HTTP/2 for a second: four connections with eight streams each.
    pub(crate) fn h2load_http2(address: SocketAddr) -> Self {
        let url = format!("http://{address}/fast?client=2");
        Self::start(Tool::H2load, &["-t1", "-c4", "-m8", "-D1", &url])
    }

    /// h2load over HTTP/1.1: so many requests over eight connections that are kept alive.
    pub(crate) fn h2load_requests(address: SocketAddr, requests: u32) -> Self {
        let url = format!("http://{address}/fast?client=1");
        Self::start(Tool::H2load, &["--h1", "-t1", "-c8", &format!("-n{requests}"), &url])
    }

    /// h2load over cleartext HTTP/2: so many requests for the paths of a file, over two connections with many streams each.
    /// Nothing is found there.
    pub(crate) fn h2load_made_up(address: SocketAddr, paths: &Path, requests: usize) -> Self {
        let file = format!("--input-file={}", paths.display());
        let base = format!("--base-uri=http://{address}");
        Self::start(Tool::H2loadNotFound, &["-t1", "-c2", "-m16", &format!("-n{requests}"), &file, &base])
    }

    /// wrk for a second: a new connection for each request, eight at a time.
    pub(crate) fn wrk_new_connections(address: SocketAddr) -> Self {
        let url = format!("http://{address}/fast?client=3");
        Self::start(Tool::Wrk, &["-t1", "-c8", "-d1s", "-H", "Connection: close", &url])
    }

    /// h2load over HTTP/1.1 until nothing listens any more: eight connections that are kept alive.
    pub(crate) fn h2load_http1_to_the_end(address: SocketAddr) -> Self {
        let url = format!("http://{address}/fast?client=1");
        Self::start(Tool::H2loadToTheEnd, &["--h1", "-t1", "-c8", "-n1000000", &url])
    }

    /// h2load over cleartext HTTP/2 until nothing listens any more: four connections with eight streams each.
    pub(crate) fn h2load_http2_to_the_end(address: SocketAddr) -> Self {
        let url = format!("http://{address}/fast?client=2");
        Self::start(Tool::H2loadToTheEnd, &["-t1", "-c4", "-m8", "-n1000000", &url])
    }

    fn start(tool: Tool, arguments: &[&str]) -> Self {
        let child = Command::new(installed(tool.name(), tool.package()))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the load generator runs");
        Self { child, tool }
    }

    /// Waits for its end. Gives how many requests were answered as they should be, and asserts that no answer was another.
    pub(crate) fn join(self) -> u64 {
        let output = self.child.wait_with_output().expect("its output is read");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?} failed: {said}", self.tool);
        let answered = match self.tool {
            Tool::H2load => h2load(&said, "succeeded", &["failed", "errored", "timeout", "3xx", "4xx", "5xx"]),
            Tool::H2loadToTheEnd => h2load(&said, "succeeded", &["3xx", "4xx", "5xx"]),
            Tool::H2loadNotFound => h2load(&said, "4xx", &["2xx", "3xx", "5xx", "errored", "timeout"]),
            Tool::Wrk => wrk(&said),
        };
        assert!(answered > 0, "{:?} had no answer: {said}", self.tool);
        answered
    }
}

/// Reads the two lines "requests: 9 total, 9 started, 9 done, 9 succeeded, 0 failed, 0 errored, 0 timeout" and
/// "status codes: 9 2xx, 0 3xx, 0 4xx, 0 5xx". Gives how many there are of one kind, and asserts that there is none of what must not be.
fn h2load(said: &str, kind: &str, must_not_be: &[&str]) -> u64 {
    let lines = said.lines().filter(|line| line.starts_with("requests:") || line.starts_with("status codes:"));
    let parts: Vec<_> = lines.flat_map(|line| line.split([',', ':'])).map(str::trim).collect();
    let count = |what: &str| -> u64 {
        parts
            .iter()
            .find_map(|part| part.strip_suffix(what)?.trim().parse().ok())
            .unwrap_or_else(|| panic!("no number of {what}: {said}"))
    };
    for bad in must_not_be {
        assert_eq!(count(bad), 0, "{bad}: {said}");
    }
    count(kind)
}

/// Reads "  9 requests in 1.00s, 1.2MB read"; errors, if there were any, have a line of their own.
fn wrk(said: &str) -> u64 {
    for bad in ["Socket errors", "Non-2xx"] {
        assert!(!said.contains(bad), "wrk lost requests: {said}");
    }
    said.lines()
        .find_map(|line| line.split_once(" requests in ")?.0.trim().parse().ok())
        .unwrap_or_else(|| panic!("no result: {said}"))
}

// === impl Tool ===

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::H2load | Self::H2loadToTheEnd | Self::H2loadNotFound => "h2load",
            Self::Wrk => "wrk",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::H2load | Self::H2loadToTheEnd | Self::H2loadNotFound => "nghttp2-client",
            Self::Wrk => "wrk",
        }
    }
}

/// The path of a program that a Debian package brings.
pub(crate) fn installed(program: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{program} is missing; install it: apt-get install -y {package}"))
}

/// The path of `rotel-agent`, an OpenTelemetry collector, in the tests' Python environment.
pub(crate) fn rotel() -> PathBuf {
    let lib = python_environment().join("lib");
    std::fs::read_dir(lib)
        .into_iter()
        .flatten()
        .filter_map(|python| Some(python.ok()?.path().join("site-packages/rotel/rotel-agent")))
        .find(|agent| agent.is_file())
        .unwrap_or_else(|| panic!("rotel is missing; install it: tests/all.sh install"))
}

/// The interpreter of the tests' Python environment.
pub(crate) fn python() -> PathBuf {
    python_environment().join("bin/python")
}

fn python_environment() -> PathBuf {
    let environment = workspace().join("target/tests-python");
    assert!(environment.join("packages").is_file(), "Python packages are missing; install them: tests/all.sh install");
    environment
}

/// What a program has to say about its input: nothing, if it is clean.
pub(crate) fn check(program: &mut Command, input: &str) -> String {
    let mut child =
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    child.stdin.take().expect("its input is a pipe").write_all(input.as_bytes()).expect("it reads its input");
    let output = child.wait_with_output().expect("its output is read");
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let _infallible = write!(said, "{}", output.status);
    }
    said
}

/// What `promtool check metrics` has to say about metrics in the text format: nothing, if they are clean.
pub(crate) fn promtool(metrics: &str) -> String {
    check(Command::new(installed("promtool", "prometheus")).args(["check", "metrics"]), metrics)
}
