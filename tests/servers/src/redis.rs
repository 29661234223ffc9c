//! Redis.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
};

use rustix::process::Signal;

use crate::program::{Folder, Program, Ready, own_address};

/// A Redis server, which keeps its data when it is stopped and started.
#[derive(Debug)]
pub struct Redis {
    address: SocketAddr,
    arguments: Vec<String>,
    folder: Folder,
    program: Option<Program>,
}

impl Redis {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with more arguments, such as `["--requirepass", "hunter2"]`.
    #[must_use]
    pub fn start_with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut redis = Self { address: own_address(6379), arguments, folder: Folder::new("redis"), program: None };
        redis.resume();
        redis
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `redis://127.1.2.3:6379/0`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }

    /// The first line of its answer to a command whose words have no spaces: `+OK`, `:1`.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.write_all(format!("{}\r\n", words.join(" ")).as_bytes()).expect("it reads");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("it answers");
        line.trim_end().to_owned()
    }

    /// Stops it as an operator would: with SIGTERM.
    pub fn stop(&mut self) {
        if let Some(program) = self.program.take() {
            program.stop(Signal::TERM);
        }
    }

    /// Starts it again after [`stop`](Self::stop).
    pub fn resume(&mut self) {
        let mut command = Command::new("redis-server");
        command.arg("--bind").arg(self.address.ip().to_string()).arg("--port").arg(self.address.port().to_string());
        // What was written is in the system's hands when it is stopped. Waiting for a busy disk, it would answer nobody for up
        // to 2 s.
        command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "no"]);
        command.arg("--dir").arg(self.folder.path()).args(&self.arguments);
        self.program = Some(Program::start(command, "redis-server", Ready::Says("Ready to accept connections")));
    }

    /// Stops it where it is: connections stay open, and nobody answers. [`thaw`](Self::thaw) lets it go on.
    pub fn freeze(&self) {
        self.program.as_ref().expect("it runs").signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.program.as_ref().expect("it runs").signal(Signal::CONT);
    }
}
