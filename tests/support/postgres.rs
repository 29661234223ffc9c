//! A real PostgreSQL of a test's own.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use rustix::process::{Pid, Signal, getuid, kill_process};

use super::{own_address, wait_until};

/// The password of the user `postgres`.
pub(crate) const PASSWORD: &str = "hunter2";

/// A server, and the folder of its data, which is removed with it.
pub(crate) struct Server {
    pub(crate) host: String,
    folder: PathBuf,
    settings: Vec<&'static str>,
    running: Option<Child>,
}

// === impl Server ===

impl Server {
    /// One that is up.
    pub(crate) fn start() -> Self {
        let mut server = Self::prepare();
        server.up();
        server
    }

    /// One that is not started yet.
    pub(crate) fn prepare() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let template = template();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("seaworthy-postgres-{}-{number}", std::process::id()));
        run(Command::new("cp").arg("-a").args([&template, &folder]));
        Self { host: own_address().ip().to_string(), folder, settings: Vec::new(), running: None }
    }

    /// Has it speak TLS, with this certificate and key in PEM.
    pub(crate) fn with_tls(mut self, certificate: &str, key: &str) -> Self {
        fs::write(self.folder.join("server.crt"), certificate).unwrap();
        fs::write(self.folder.join("server.key"), key).unwrap();
        run(Command::new("chmod").arg("600").arg(self.folder.join("server.key")));
        own(&self.folder);
        self.settings.push("ssl=on");
        self
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn up(&mut self) {
        let mut command = as_owner(&program("postgres"));
        command.arg("-D").arg(&self.folder).args(["-p", "5432", "-h", &self.host]);
        for setting in ["unix_socket_directories=", "fsync=off", "max_connections=20"].iter().chain(&self.settings) {
            command.args(["-c", setting]);
        }
        let log = fs::File::create(self.folder.with_extension("log")).unwrap();
        self.running = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let mut ready = Command::new(program("pg_isready"));
        ready.args(["-q", "-p", "5432", "-h", &self.host]);
        wait_until("PostgreSQL answers", || ready.status().unwrap().success());
    }

    /// Stops it: connections are cut, and it is gone when this returns.
    pub(crate) fn down(&mut self) {
        if let Some(mut child) = self.running.take() {
            // It can only be gone already.
            let _gone = kill_process(Pid::from_child(&child), Signal::INT);
            child.wait().unwrap();
        }
    }

    /// The URL for a user with this password and a database.
    pub(crate) fn url_of(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@{}:5432/{database}", self.host)
    }

    /// The URL that everything can be done with.
    pub(crate) fn url(&self) -> String {
        self.url_of("postgres", PASSWORD, "postgres")
    }

    /// Runs SQL as the user `postgres`; gives what it prints.
    pub(crate) fn sql(&self, sql: &str) -> String {
        run(Command::new(program("psql")).args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
            &self.url(),
        ]))
    }

    /// Cuts the connections of all others.
    pub(crate) fn cut_all(&self) {
        self.sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.down();
        let _removed = fs::remove_dir_all(&self.folder);
        let _removed = fs::remove_file(self.folder.with_extension("log"));
    }
}

/// A folder of data to copy: making one takes a second, so it is kept for the next run.
fn template() -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let initdb = program("initdb");
    let user = getuid().as_raw();
    let version = fs::metadata(&initdb).unwrap().mtime();
    let template = std::env::temp_dir().join(format!("seaworthy-postgres-template-{user}-{version}"));
    if !template.exists() {
        let made = template.with_extension(std::process::id().to_string());
        let password = template.with_extension("password");
        fs::create_dir(&made).unwrap();
        fs::write(&password, PASSWORD).unwrap();
        own(&made);
        own(&password);
        let mut command = as_owner(&initdb);
        command.arg("-D").arg(&made).arg(format!("--pwfile={}", password.display()));
        run(command.args(["-U", "postgres", "-A", "scram-sha-256", "-N", "--no-locale", "-E", "UTF8"]));
        fs::remove_file(&password).unwrap();
        // Another process may have been faster.
        if fs::rename(&made, &template).is_err() {
            fs::remove_dir_all(&made).unwrap();
        }
    }
    template
}

/// The path of a program of PostgreSQL's, which Debian keeps out of `PATH`.
fn program(name: &str) -> PathBuf {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|program| program.is_file())
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| panic!("{name} is missing; install it: apt-get install -y postgresql"))
}

/// A program that does not run as root: as the user that the package made.
fn as_owner(program: &Path) -> Command {
    let mut command = match getuid().is_root() {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
            command
        }
        false => Command::new(program),
    };
    command.current_dir(std::env::temp_dir());
    command
}

/// Gives a file or folder to the user that the server runs as.
fn own(path: &Path) {
    if getuid().is_root() {
        run(Command::new("chown").args(["-R", "postgres:postgres"]).arg(path));
    }
}

/// Runs a program to its end; gives what it prints.
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
