//! PostgreSQL.

use std::{
    fs::{self, Permissions},
    io::Write as _,
    net::SocketAddr,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use rustix::process::Signal;

use crate::program::{Folder, Program, Ready, own_address};

/// Where Debian has its programs, a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The password of the user `postgres`.
const PASSWORD: &str = "hunter2";

/// A PostgreSQL server, which keeps its data when it is stopped and started.
#[derive(Debug)]
pub struct Postgres {
    address: SocketAddr,
    speaks_tls: bool,
    cluster: Cluster,
    program: Option<Program>,
}

/// A folder, and the user and the programs that make a cluster in it and serve it.
#[derive(Debug)]
struct Cluster {
    programs: PathBuf,
    user: Option<(u32, u32)>,
    folder: Folder,
}

// === impl Postgres ===

impl Postgres {
    /// Makes a new cluster and starts it.
    #[must_use]
    pub fn start() -> Self {
        let mut postgres = Self::prepare();
        postgres.resume();
        postgres
    }

    /// Makes a new cluster, for [`resume`](Self::resume) to start.
    #[must_use]
    pub fn prepare() -> Self {
        let cluster = Cluster::new();
        cluster.unpack(new_data());
        Self { address: own_address(5432), speaks_tls: false, cluster, program: None }
    }

    /// Has it speak TLS from its next start on, with this certificate and key in PEM.
    pub fn speak_tls(&mut self, certificate: &str, key: &str) {
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            self.cluster.write(&format!("data/{name}"), text);
        }
        self.speaks_tls = true;
    }

    /// Has it let everybody in without a password, from its next start on.
    pub fn trust_everybody(&mut self) {
        self.cluster.write("data/pg_hba.conf", "host all all all trust\n");
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `postgres://postgres:hunter2@127.1.2.3:5432/postgres`, by which everything may be done.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres", PASSWORD, "postgres")
    }

    /// The URL for this user and database.
    #[must_use]
    pub fn url_of(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@{}/{database}", self.address)
    }

    /// What `psql` prints of a statement: rows as lines, `|` between columns.
    ///
    /// # Panics
    ///
    /// If the statement fails.
    pub fn query(&self, statement: &str) -> String {
        let mut psql = self.cluster.command("psql");
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url(), "-c", statement]);
        String::from_utf8_lossy(&output(psql)).trim_end().to_owned()
    }

    /// Cuts all connections, and waits until they are.
    pub fn cut_all(&self) {
        self.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
    }

    /// Stops it as an operator would: connections are closed, and what was committed is kept.
    pub fn stop(&mut self) {
        if let Some(program) = self.program.take() {
            program.stop(Signal::INT);
        }
    }

    /// Starts it after [`prepare`](Self::prepare) or [`stop`](Self::stop).
    pub fn resume(&mut self) {
        let mut command = self.cluster.command("postgres");
        command.args(["-D", "data", "-k", "", "-F", "-c", "full_page_writes=off"]);
        if self.speaks_tls {
            command.args(["-c", "ssl=on"]);
        }
        command.arg("-h").arg(self.address.ip().to_string()).arg("-p").arg(self.address.port().to_string());
        self.program = Some(Program::start(command, "postgresql", Ready::Says("ready to accept connections")));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Killed, it would leave its processes behind.
        self.stop();
    }
}

// === impl Cluster ===

impl Cluster {
    fn new() -> Self {
        let cluster = Self { programs: programs(), user: other_user(), folder: Folder::new("postgres") };
        cluster.give_away(cluster.folder.path());
        cluster
    }

    /// One of PostgreSQL's programs.
    fn command(&self, program: &str) -> Command {
        self.as_user(&self.programs.join(program))
    }

    /// A program, run in the folder and as a user whom PostgreSQL doesn't refuse.
    fn as_user(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Writes a file that nobody else may read.
    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("a file can be written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
        self.give_away(&path);
    }

    /// Gives a file or a folder to the user.
    fn give_away(&self, path: &Path) {
        if let Some((uid, gid)) = self.user {
            chown(path, Some(uid), Some(gid)).expect("root can give it away");
        }
    }

    fn unpack(&self, packed: &[u8]) {
        let mut tar = self.as_user(Path::new("tar"));
        let mut child = tar.arg("-x").stdin(Stdio::piped()).spawn().expect("tar can be run");
        let mut pipe = child.stdin.take().expect("it is piped");
        pipe.write_all(packed).expect("tar reads it");
        drop(pipe);
        assert!(child.wait().is_ok_and(|status| status.success()), "tar can't unpack it");
    }
}

/// The data of a new cluster. Making it takes a second, so it is made once and kept, packed.
fn new_data() -> &'static [u8] {
    static PACKED: OnceLock<Vec<u8>> = OnceLock::new();
    PACKED.get_or_init(|| {
        let cluster = Cluster::new();
        cluster.write("password", PASSWORD);
        let mut initdb = cluster.command("initdb");
        initdb.args(["-D", "data", "-U", "postgres", "-A", "scram-sha-256", "--pwfile=password", "-N"]);
        initdb.args(["--no-instructions", "--no-locale", "-E", "UTF8", "--wal-segsize=1"]);
        output(initdb);
        let mut tar = cluster.as_user(Path::new("tar"));
        tar.args(["-c", "data"]);
        output(tar)
    })
}

/// Runs a program to its end; gives what it prints.
fn output(mut command: Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
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
