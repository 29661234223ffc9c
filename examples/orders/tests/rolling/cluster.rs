//! Three replicas behind a load balancer, with the state that they share.

use std::{
    net::SocketAddr,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use seaworthy::testing::{Process, Signal};
use serde_json::Value;
use servers::{Backend, HaProxy, Postgres, Redis, own_address};

/// How long a replica serves after SIGTERM.
const LAME_DUCK: Duration = Duration::from_secs(5);
/// How the balancer learns at once that a replica is not ready.
const AT_ONCE: &str = "inter 200ms fall 1 rise 1";
/// How it learns 3 s late, as the nodes of a cluster do where the removal of an endpoint takes its time.
const LATE: &str = "inter 1s fastinter 1s fall 4 rise 1";

/// Everything that runs.
pub(crate) struct Cluster {
    pub(crate) haproxy: Arc<HaProxy>,
    pub(crate) replicas: Vec<Replica>,
    places: Vec<SocketAddr>,
    pub(crate) postgres: Postgres,
    pub(crate) redis: Redis,
}

/// A replica, at one of two places that it and its successors have in turn.
pub(crate) struct Replica {
    pub(crate) process: Process,
    pub(crate) place: usize,
}

/// What the balancer did while replicas were replaced.
pub(crate) struct Removal {
    /// How long it took to notice, from SIGTERM on.
    pub(crate) lag: Duration,
    /// Whether it was to be late.
    pub(crate) late: bool,
    /// What the replica that left had logged as an error.
    pub(crate) errors: Vec<String>,
}

impl Cluster {
    /// Starts all of it, and waits until requests are served.
    pub(crate) fn start() -> Self {
        let (mut postgres, redis) = (Postgres::prepare(), Redis::start());
        // The rounds of SCRAM take so long where nothing is optimized that a replica has no time for requests when it starts.
        postgres.trust_everybody();
        postgres.resume();
        let places: Vec<SocketAddr> = (0..6).map(|_| own_address(8080)).collect();
        let check = |place| if is_late(place) { LATE } else { AT_ONCE };
        let backends: Vec<_> =
            places.iter().enumerate().map(|(place, &address)| Backend { address, check: check(place) }).collect();

        // As a Job would, and two of them at once, as a Job that was restarted might.
        let migrations = [(); 2].map(|()| service(&postgres, &redis).arg("migrate").spawn());
        for migration in migrations {
            let exit = migration.wait_exit(Duration::from_secs(30));
            assert_eq!(exit.code, Some(0), "{}", migration.stdout());
        }
        let haproxy = Arc::new(HaProxy::start(&backends));
        let mut cluster = Self { haproxy, replicas: Vec::new(), places, postgres, redis };
        cluster.replicas = [0, 2, 4].map(|place| cluster.spawn(place)).into();
        cluster.wait_for_balancer(&[true, false, true, false, true, false]);
        cluster
    }

    fn spawn(&self, place: usize) -> Replica {
        let address = self.places[place].to_string();
        let process = service(&self.postgres, &self.redis).env("HTTP_ADDR", address).spawn();
        process.wait_ready();
        Replica { process, place }
    }

    fn wait_for_balancer(&self, expected: &[bool]) {
        let replica = &self.replicas[0].process;
        replica.wait_until("the balancer knows", || self.haproxy.is_up() == expected);
    }

    /// Starts the successor of a replica, and waits until the balancer sends it requests.
    fn start_successor(&self, replica: usize) -> Replica {
        let successor = self.spawn(self.replicas[replica].place ^ 1);
        successor.process.wait_until("the balancer knows", || self.haproxy.is_up()[successor.place]);
        successor
    }

    /// Replaces each replica, as a Deployment does that may have one more and none less: the next is started when the
    /// one before is ready, and the old ones take the time they need.
    pub(crate) fn roll(&mut self) -> Vec<Removal> {
        let mut leaving = Vec::new();
        for replica in 0..self.replicas.len() {
            let successor = self.start_successor(replica);
            let old = std::mem::replace(&mut self.replicas[replica], successor);
            old.process.signal(Signal::Term);
            let haproxy = Arc::clone(&self.haproxy);
            leaving.push(thread::spawn(move || {
                let told = Instant::now();
                old.process.wait_until("the balancer knows that it left", || !haproxy.is_up()[old.place]);
                let lag = told.elapsed();
                let exit = old.process.wait_exit(Duration::from_secs(30));
                assert_eq!(exit.code, Some(0), "it was not drained: {}", old.process.stderr());
                let errors =
                    old.process.logs().iter().filter(|line| line["level"] == "ERROR").map(Value::to_string).collect();
                Removal { lag, late: is_late(old.place), errors }
            }));
        }
        leaving.into_iter().map(|removal| removal.join().expect("it left as it should")).collect()
    }

    /// Kills a replica, and starts another one in its stead. Gives when it was dead.
    pub(crate) fn kill(&mut self, replica: usize) -> Instant {
        let process = &self.replicas[replica].process;
        process.signal(Signal::Kill);
        _ = process.wait_exit(Duration::from_secs(10));
        let dead = Instant::now();
        self.replicas[replica] = self.start_successor(replica);
        dead
    }

    /// Waits until each replica says this at `/ready`, while each lives. Gives how long that took.
    pub(crate) fn wait_for_readiness(&self, status: u16) -> Duration {
        let began = Instant::now();
        for Replica { process, .. } in &self.replicas {
            process.wait_until("its readiness changed", || process.admin("/ready").status == status);
            assert_eq!(process.admin("/health").status, 200);
        }
        began.elapsed()
    }

    /// How much memory the replicas have, in KiB.
    pub(crate) fn memory(&self) -> Vec<u64> {
        let memory = |replica: &Replica| {
            let metrics = replica.process.admin("/metrics").text();
            let line = metrics.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
            line.and_then(|bytes| bytes.parse::<f64>().ok()).expect("it has memory") as u64 / 1024
        };
        self.replicas.iter().map(memory).collect()
    }
}

/// Whether the balancer learns late of what happens at this place.
fn is_late(place: usize) -> bool {
    place.is_multiple_of(2)
}

/// The service, with what the replicas share.
fn service(postgres: &Postgres, redis: &Redis) -> seaworthy::testing::ProcessBuilder {
    Process::builder(env!("CARGO_BIN_EXE_orders"))
        .env("DATABASE_URL", postgres.url())
        .env("REDIS_URL", redis.url())
        .env("SESSION_KEY", "the key of all replicas, 32 bytes and more")
        .env("ORDERS_PER_MINUTE", "100000")
        .env("LAME_DUCK", format!("{}s", LAME_DUCK.as_secs()))
        .env("ACCESS_LOG", "off")
}
