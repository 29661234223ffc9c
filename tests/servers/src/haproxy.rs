//! HAProxy: the load balancer of a cluster, with health checks of its own.

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write},
    net::SocketAddr,
    os::unix::net::UnixStream,
    process::Command,
};

use crate::program::{Folder, Program, Ready, own_address};

/// A load balancer before servers that may be there or not.
#[derive(Debug)]
pub struct HaProxy {
    address: SocketAddr,
    folder: Folder,
    _program: Program,
}

/// A server that it may send requests to.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Where it listens.
    pub address: SocketAddr,
    /// How `/ready` is asked: `inter 200ms fall 1 rise 1`.
    pub check: &'static str,
}

impl HaProxy {
    /// Starts one that asks each server for `/ready`, and sends requests to those that say 200, in turn.
    ///
    /// A request that could not be sent, because no connection could be opened, goes to another server, up to 3 times.
    /// One that was sent never does.
    #[must_use]
    pub fn start(backends: &[Backend]) -> Self {
        let folder = Folder::new("haproxy");
        let address = own_address(8080);
        let mut config = format!(
            "global
    stats socket {folder}/stats
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    retries 3
    option redispatch 1
frontend service
    bind {address}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /ready
    http-check expect status 200
",
            folder = folder.path().display()
        );
        for (number, Backend { address, check }) in backends.iter().enumerate() {
            writeln!(config, "    server s{number} {address} check {check}").expect("text can be written");
        }
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, config).expect("a file can be written");
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(&file);
        let program = Program::start(command, "haproxy", Ready::Listens(address));
        Self { address, folder, _program: program }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it sends requests to each of the servers now.
    #[must_use]
    pub fn is_up(&self) -> Vec<bool> {
        self.column("status").iter().map(|status| status.starts_with("UP")).collect()
    }

    /// How often a request was sent again, to the same server or to another, because no connection could be opened.
    #[must_use]
    pub fn retries(&self) -> u64 {
        ["wretr", "wredis"]
            .into_iter()
            .flat_map(|name| self.column(name))
            .filter_map(|count| count.parse::<u64>().ok())
            .sum()
    }

    /// A column of its statistics, a line for each server.
    fn column(&self, name: &str) -> Vec<String> {
        let mut socket = UnixStream::connect(self.folder.path().join("stats")).expect("it runs");
        socket.write_all(b"show stat\n").expect("it listens");
        let mut page = String::new();
        socket.read_to_string(&mut page).expect("it answers");
        let mut lines = page.trim_start_matches("# ").lines().map(|line| line.split(',').collect::<Vec<_>>());
        let names = lines.next().unwrap_or_default();
        let column = names.iter().position(|known| *known == name).expect("it has such statistics");
        let is_server = |line: &Vec<&str>| line.first() == Some(&"replicas") && line.get(1) != Some(&"BACKEND");
        lines.filter(is_server).filter_map(|line| line.get(column).map(|&value| value.to_owned())).collect()
    }
}
