//! The load: h2load, and what it says, where a service gets as much as it can take; our own client where it doesn't.

use std::{
    error::Error,
    fs, io,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    build::target,
    paced::{self, CONNECTIONS, Latency, Pace, Unmeasured},
};

const ECHO: &str = r#"{"message":"Hello, Ada!"}"#;

/// A load on one route.
#[derive(Debug)]
pub(crate) struct Load {
    echo: Option<PathBuf>,
}

/// How much to send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Amount {
    /// As much as can be answered, for as many seconds.
    Seconds(u32),
    /// As many requests, as fast as they are answered.
    Requests(u64),
}

/// What came of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
}

impl Load {
    /// A load on `GET /hello/{name}`, or on `POST /echo`.
    pub(crate) fn new(echo: bool) -> Result<Self, Box<dyn Error>> {
        let missing = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => "h2load is missing: apt-get install nghttp2-client".into(),
            _ => format!("h2load doesn't run: {error}"),
        };
        Command::new("h2load").arg("--version").output().map_err(missing)?;
        let body = target().join("bench-echo.json");
        if echo {
            fs::write(&body, ECHO)?;
        }
        Ok(Self { echo: echo.then_some(body) })
    }

    /// Sends as much, on connections that stay open.
    pub(crate) fn run(&self, server: SocketAddr, amount: Amount) -> Result<Answered, Box<dyn Error>> {
        let amount = match amount {
            Amount::Seconds(seconds) => format!("-D{seconds}"),
            Amount::Requests(requests) => format!("-n{requests}"),
        };
        self.h2load(server, &[amount])
    }

    /// Sends requests evenly spaced, and looks at each answer.
    pub(crate) fn paced(&self, server: SocketAddr, pace: Pace) -> Result<Latency, Unmeasured> {
        let head = format!("host: {server}\r\nuser-agent: bench\r\naccept: */*\r\n");
        let request = match self.echo {
            Some(_) => format!(
                "POST /echo HTTP/1.1\r\n{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{ECHO}",
                ECHO.len()
            ),
            None => format!("GET /hello/Ada HTTP/1.1\r\n{head}\r\n"),
        };
        paced::run(server, request.as_bytes(), pace)
    }

    fn h2load(&self, server: SocketAddr, arguments: &[String]) -> Result<Answered, Box<dyn Error>> {
        let mut command = Command::new("h2load");
        command.args(["--h1", "-t1", &format!("-c{CONNECTIONS}")]).args(arguments).stdin(Stdio::null());
        match &self.echo {
            Some(body) => command
                .args(["-H", "content-type: application/json", "-d"])
                .arg(body)
                .arg(format!("http://{server}/echo")),
            None => command.arg(format!("http://{server}/hello/Ada")),
        };
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        read(&said).filter(|_| output.status.success()).ok_or_else(|| format!("h2load failed: {said}").into())
    }
}

/// Reads "finished in 2.00s, 9.50 req/s, 1.2MB/s" and "requests: 19 total, 19 started, 19 done, 19 succeeded, 0 failed,
/// 0 errored, 0 timeout"; nothing where not all were answered with 200.
fn read(said: &str) -> Option<Answered> {
    let finished = said.lines().find(|line| line.starts_with("finished in "))?;
    let per_second = finished.split(", ").nth(1)?.strip_suffix(" req/s")?.parse().ok()?;
    let requests = said.lines().find_map(|line| line.strip_prefix("requests: "))?;
    let count = |what: &str| requests.split(", ").find_map(|part| part.strip_suffix(what)?.trim().parse::<u64>().ok());
    let whole = count("failed")? == 0 && count("errored")? == 0 && count("timeout")? == 0;
    let requests = count("succeeded").filter(|answered| whole && *answered > 0)?;
    Some(Answered { requests, per_second })
}
