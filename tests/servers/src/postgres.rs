//! PostgreSQL.

use std::{
    fs,
    net::SocketAddr,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;

use crate::program::{Folder, Program, Ready, own_address};

/// Where Debian has its programs, a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A PostgreSQL server, which keeps its data when it is stopped and started. Anybody is `postgres` without a password.
#[derive(Debug)]
pub struct Postgres {
    address: SocketAddr,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    folder: Folder,
    program: Option<Program>,
}

impl Postgres {
    /// Makes a new cluster and starts it.
    #[must_use]
    pub fn start() -> Self {
        let folder = Folder::new("postgres");
        let user = other_user();
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).expect("root can give a folder away");
        }
        let mut postgres = Self { address: own_address(5432), programs: programs(), user, folder, program: None };
        let mut initdb = postgres.command("initdb");
        initdb.args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "--no-instructions",
            "--no-locale",
            "-E",
            "UTF8",
            "-D",
            "data",
        ]);
        let made = initdb.output().expect("initdb can be run");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        postgres.resume();
        postgres
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `postgres://postgres@127.1.2.3:5432/postgres`
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.address)
    }

    /// What `psql` prints of a statement: rows as lines, `|` between columns.
    ///
    /// # Panics
    ///
    /// If the statement fails.
    #[must_use]
    pub fn query(&self, statement: &str) -> String {
        let mut psql = self.command("psql");
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url(), "-c", statement]);
        let said = psql.output().expect("psql can be run");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).trim_end().to_owned()
    }

    /// Stops it as an operator would: connections are closed, and what was committed is kept.
    pub fn stop(&mut self) {
        if let Some(program) = self.program.take() {
            program.stop(Signal::INT);
        }
    }

    /// Starts it again after [`stop`](Self::stop).
    pub fn resume(&mut self) {
        let mut command = self.command("postgres");
        command.args(["-D", "data", "-k", ".", "-F", "-c", "full_page_writes=off"]);
        command.arg("-h").arg(self.address.ip().to_string()).arg("-p").arg(self.address.port().to_string());
        self.program = Some(Program::start(command, "postgresql", Ready::Says("ready to accept connections")));
    }

    /// One of its programs, run in its folder and as a user whom it doesn't refuse.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Killed, it would leave its processes behind.
        self.stop();
    }
}

/// The programs of the newest version.
fn programs() -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let newest = versions.filter(|programs| programs.join("initdb").exists()).max();
    newest.unwrap_or_else(|| {
        panic!("there is no PostgreSQL in {VERSIONS}: install it with `apt-get install postgresql`, or `./tests/all.sh install`")
    })
}

/// The user and the group to run as, where this is root, whom PostgreSQL refuses.
fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string(Path::new("/etc/passwd")).expect("there are users");
    let user = users.lines().find_map(|line| line.strip_prefix("postgres:")).expect("Debian's package adds the user");
    let mut ids = user.split(':').skip(1).map_while(|id| id.parse().ok());
    ids.next().zip(ids.next())
}
