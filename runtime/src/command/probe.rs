//! `probe`: asks the running process, for a `HEALTHCHECK` in an image without a shell or a `curl`.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use crate::config::{Environment, Settings};

/// How long to wait for each of: the connection, the request, the answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// More than this of an answer is of no interest.
const LARGEST_ANSWER: u64 = 64 * 1024;

pub(super) fn run(path: &str) -> ExitCode {
    // The service's own variables are its own: a probe only needs to know where to ask.
    let settings = match Settings::read(&Environment::of_process()) {
        Ok(settings) => settings,
        Err(report) => {
            eprintln!("{report}");
            return ExitCode::FAILURE;
        }
    };
    let address = reachable(settings.admin_addr);
    match ask(address, path) {
        Ok((passed, answer)) => {
            println!("{answer}");
            if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("no answer from {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Listening everywhere includes listening here.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn ask(address: SocketAddr, path: &str) -> io::Result<(bool, String)> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(LARGEST_ANSWER).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    Ok((head.starts_with("HTTP/1.1 200"), body.trim().to_owned()))
}
