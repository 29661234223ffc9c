//! Runs a service inside the test.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use super::{
    client::{Connection, Response},
    span::{self, Span},
};
use crate::{
    CloudService,
    config::{Environment, Settings},
    lifecycle::{Addresses, Conductor, exit::Exit, signals::Stop},
    telemetry::{self, Telemetry},
};

/// How long to wait for a service to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// A service that runs inside the test, on threads and ports of its own.
///
/// Its methods block, in a `#[test]` and in a `#[tokio::test]` alike: the service doesn't run on the test's runtime.
/// Dropped, it is drained.
pub struct Running {
    addresses: Addresses,
    stop: watch::Sender<Stop>,
    thread: Mutex<Option<JoinHandle<Exit>>>,
}

/// Starts the service `C` on free ports of the loopback, and returns once it serves.
///
/// Its readiness checks run, but may not have passed yet: [`Running::wait_ready`] waits for that. Nothing is read from
/// the environment; the runtime's settings are those of [`settings`].
///
/// ```
/// use seaworthy::{prelude::*, testing};
///
/// /// Says hello.
/// #[cloud_service]
/// async fn greeter() -> Router {
///     Router::new().route("/", get(async || "hello"))
/// }
///
/// let service = testing::start::<greeter>(());
/// assert_eq!(service.get("/").text(), "hello");
/// assert_eq!(service.stop(), 0);
/// ```
///
/// # Panics
///
/// If the service can't be set up, with the reason.
pub fn start<C: CloudService>(config: C::Config) -> Running {
    start_with::<C>(config, settings())
}

/// Starts the service `C` with these settings.
///
/// # Panics
///
/// As [`start`].
pub fn start_with<C: CloudService>(config: C::Config, settings: Settings) -> Running {
    let (stop, stopping) = watch::channel(Stop::No);
    let (serving, mut served) = mpsc::channel(1);
    telemetry::keep_spans();
    let telemetry = Arc::new(Telemetry::start(&C::ABOUT, &settings, &quiet()));
    let conductor = Conductor::<C> { config, settings, telemetry, stopping, command: None, serving: Some(serving) };
    let thread = thread::spawn(move || conductor.run());
    // On a thread of its own, so that a test's runtime doesn't mind the wait.
    let addresses = thread::spawn(move || served.blocking_recv()).join().ok().flatten();
    match addresses {
        Some(addresses) => Running { addresses, stop, thread: Mutex::new(Some(thread)) },
        None => panic!("{} can't start: {}", C::ABOUT.name, reason(thread)),
    }
}

/// The settings of a service under test: free ports of the loopback, no lame duck, a drain of 5 s.
#[must_use]
pub fn settings() -> Settings {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Settings {
        http_addr: free,
        admin_addr: free,
        lame_duck: Duration::ZERO,
        drain_timeout: Duration::from_secs(5),
        ..Settings::default()
    }
}

/// Only warnings: what a test prints is for the test.
fn quiet() -> Environment {
    [("RUST_LOG", "warn")].into_iter().collect()
}

fn reason(thread: JoinHandle<Exit>) -> String {
    thread.join().map_or_else(|_| "it panicked".into(), |exit| exit.reason)
}

impl Running {
    /// Where requests are served.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.addresses.http
    }

    /// Where probes and metrics are served.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.addresses.admin
    }

    /// Opens a connection to the main listener.
    ///
    /// # Panics
    ///
    /// If it can't be opened.
    #[must_use]
    pub fn connect(&self) -> Connection {
        Connection::open(self.addresses.http).expect("the service listens")
    }

    /// Asks the main listener.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Response {
        self.connect().get(path).expect("the service answers")
    }

    /// Asks the admin listener: `/health`, `/ready`, `/started`, `/metrics`.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    #[must_use]
    pub fn admin(&self, path: &str) -> Response {
        Connection::open(self.addresses.admin)
            .and_then(|mut admin| admin.get(path))
            .expect("the admin listener answers")
    }

    /// Waits until `/ready` says so.
    ///
    /// # Panics
    ///
    /// If it doesn't within 30 s, with what it says instead.
    pub fn wait_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.admin("/ready");
            if answer.status == 200 {
                return;
            }
            assert!(Instant::now() < deadline, "not ready after {PATIENCE:?}: {}", answer.text());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The spans that ended so far in traces of requests to this service, in the order in which they ended.
    ///
    /// A request's own span ends with the last byte of its answer, which a client may read a moment earlier:
    /// [`stop`](Self::stop) the service first, or ask again.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        span::of_port(self.addresses.http.port())
    }

    /// Drains the service as SIGTERM would, and gives its exit code: 0 when nothing was cut.
    ///
    /// # Panics
    ///
    /// If the service panicked.
    #[must_use = "the exit code says whether work was cut"]
    pub fn stop(self) -> u8 {
        self.end().expect("a service stops once").expect("the service doesn't panic").code
    }

    fn end(&self) -> Option<thread::Result<Exit>> {
        self.stop.send_replace(Stop::Gracefully);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(thread.join())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A panic of the service's was reported where it happened.
        let _ = self.end();
    }
}
