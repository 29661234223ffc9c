//! Leads a service through its states, on a runtime of its own: the one that answers probes, which no handler can
//! block.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use tokio::{
    runtime::{Handle, Runtime},
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::task::TaskTracker;

use super::{
    Lifecycle, Owner, Shutdown, State,
    exit::{CUT, DRAINED, Exit, FAILED, UNAVAILABLE},
    signals::{Stop, Stopping},
};
use crate::{
    CloudService, Error, IntoService, admin,
    config::{CANCEL, CLOSE, FLUSH, Settings},
    http::{server, traffic::Traffic},
    panic::caught,
    probe::{
        board::{Board, Probe},
        runner,
    },
    service::{BoxFuture, Closer, CommandPart, Parts, Service, StateOf},
    telemetry::Telemetry,
    worker,
};

/// How many connections may wait to be accepted; the kernel allows `net.core.somaxconn`, 4096 since Linux 5.4. Those
/// beyond are tried again by their clients a second later.
const BACKLOG: i32 = 4096;

/// How long the line that says `stopped` may take, when all else is flushed.
const LAST_LINE: Duration = Duration::from_millis(100);

/// Where a service listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// Everything that a service needs to run once.
pub(crate) struct Conductor<C: CloudService> {
    pub(crate) config: C::Config,
    pub(crate) settings: Settings,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) stopping: Stopping,
    /// What to do in place of serving.
    pub(crate) command: Option<CommandPart<StateOf<C>>>,
    /// Told where the service listens, once it serves.
    pub(crate) serving: Option<mpsc::Sender<Addresses>>,
}

/// A service that serves.
struct Running {
    traffic: Arc<Traffic>,
    workers: TaskTracker,
    accepting: TaskTracker,
    failed: mpsc::Receiver<String>,
    closers: Vec<Closer>,
}

// === impl Conductor ===

impl<C: CloudService> Conductor<C> {
    /// Runs the service from its first bind to its last flush. Blocks.
    pub(crate) fn run(mut self) -> Exit {
        let lifecycle = Arc::new(Lifecycle::new());
        let owner = Owner { about: C::ABOUT, lifecycle: Arc::clone(&lifecycle) };
        let (control, runtime) = match (control_runtime(), service_runtime(owner)) {
            (Ok(control), Ok(runtime)) => (control, runtime),
            (Err(error), _) | (_, Err(error)) => {
                return fail(Exit::new(FAILED, format!("no runtime could be started: {error}")));
            }
        };
        Telemetry::watch_runtime(runtime.handle());
        let telemetry = Arc::clone(&self.telemetry);
        let exit = control.block_on(async {
            let exit = match self.command.take() {
                Some(command) => self.conduct_command(command, &lifecycle, runtime.handle()).await,
                None => self.conduct(&lifecycle, runtime.handle()).await,
            };
            lifecycle.enter(State::Flushing);
            // Drops what was cut, so that its spans end before the flush. A blocked thread is left behind.
            runtime.shutdown_background();
            // Probes are answered meanwhile. The flush keeps its own time; a second more is for one that doesn't.
            let flush = tokio::task::spawn_blocking(move || {
                telemetry.flush(FLUSH);
                lifecycle.enter(State::Stopped);
                telemetry.flush(LAST_LINE);
            });
            if timeout(FLUSH + Duration::from_secs(1), flush).await.is_err() {
                super::exit::say("telemetry was not flushed in time: the last of it is lost");
            }
            exit
        });
        control.shutdown_background();
        exit
    }

    async fn conduct(mut self, lifecycle: &Arc<Lifecycle>, runtime: &Handle) -> Exit {
        let ((http_listener, http), (admin_listener, admin)) =
            match (bind("HTTP_ADDR", self.settings.http_addr), bind("ADMIN_ADDR", self.settings.admin_addr)) {
                (Ok(http), Ok(admin)) => (http, admin),
                (Err(problem), _) | (_, Err(problem)) => return fail(Exit::new(UNAVAILABLE, problem)),
            };
        let addresses = Addresses { http, admin };
        lifecycle.enter(State::Starting);
        tracing::info!(http.address = %addresses.http, admin.address = %addresses.admin, "listening");

        let Parts { liveness, readiness, workers, .. } = C::parts();
        let board = Arc::new(Board::new(
            [(Probe::Liveness, runner::RUNTIME), (Probe::Readiness, runner::RUNTIME)]
                .into_iter()
                .chain(liveness.iter().map(|part| (Probe::Liveness, part.check)))
                .chain(readiness.iter().map(|part| (Probe::Readiness, part.check))),
        ));
        let started =
            admin::serve(admin_listener, Arc::clone(&board), Arc::clone(lifecycle), Arc::clone(&self.telemetry));
        if let Err(error) = started {
            return fail(Exit::new(UNAVAILABLE, format!("the admin address can't be served: {error}")));
        }
        runner::start_liveness(runtime, &board, liveness);

        let service = match set_up::<C>(self.config, runtime, &mut self.stopping).await {
            Ok(Some(service)) => service,
            Ok(None) => return Exit::new(DRAINED, "stopped while starting"),
            Err(error) => return fail(Exit::from(&error)),
        };

        let traffic = Arc::new(Traffic::new(self.settings, Arc::clone(lifecycle), Arc::clone(&board)));
        let (fail_sender, failed) = mpsc::channel(1);
        let running = Running {
            traffic: Arc::clone(&traffic),
            workers: TaskTracker::new(),
            accepting: TaskTracker::new(),
            failed,
            closers: service.closers,
        };
        runner::start_readiness(runtime, &board, readiness, &service.state);
        worker::start(runtime, &running.workers, workers, &service.state, lifecycle, &fail_sender);
        let accepting: BoxFuture<'static, ()> = Box::pin(async move {
            let problem = match caught(server::accept(http_listener, service.router, traffic)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(message) => format!("panicked: {message}"),
            };
            // The service stops already if nobody listens.
            let _ = fail_sender.try_send(format!("the main listener failed: {problem}"));
        });
        running.accepting.spawn_on(accepting, runtime);
        running.accepting.close();
        running.workers.close();
        lifecycle.enter(State::Ready);
        if let Some(serving) = self.serving.take() {
            // Whoever waited for it may have given up.
            let _ = serving.try_send(addresses);
        }
        running.until_stopped(&mut self.stopping, runtime).await
    }

    /// Sets the service up, runs a command, and closes what was opened.
    async fn conduct_command(
        mut self,
        command: CommandPart<StateOf<C>>,
        lifecycle: &Arc<Lifecycle>,
        runtime: &Handle,
    ) -> Exit {
        let CommandPart { spec, run } = command;
        lifecycle.enter(State::Starting);
        let service = match set_up::<C>(self.config, runtime, &mut self.stopping).await {
            Ok(Some(service)) => service,
            Ok(None) => return fail(Exit::new(CUT, format!("stopped before {} began", spec.name))),
            Err(error) => return fail(Exit::from(&error)),
        };
        let Service { state, closers, .. } = service;
        let shutdown = Shutdown::new(lifecycle.shutdown.clone());
        let mut running = runtime.spawn(caught(async move { run(&state, shutdown).await }));
        let ended = tokio::select! {
            ended = &mut running => Some(ended),
            _ = self.stopping.wait_for(|stop| *stop != Stop::No) => {
                lifecycle.enter(State::Draining);
                timeout(self.settings.drain_timeout, &mut running).await.ok()
            }
        };
        let exit = match ended {
            Some(Ok(Ok(Ok(())))) => {
                tracing::info!("{} is done", spec.name);
                Exit::new(DRAINED, format!("{} is done", spec.name))
            }
            Some(Ok(Ok(Err(error)))) => fail(Exit::new(FAILED, format!("{} failed: {error}", spec.name))),
            Some(Ok(Err(message))) => fail(Exit::new(FAILED, format!("{} panicked: {message}", spec.name))),
            Some(Err(error)) => fail(Exit::new(FAILED, format!("{} was lost: {error}", spec.name))),
            None => {
                lifecycle.enter(State::Cancelling);
                running.abort();
                // What it holds is dropped before it is closed, unless it blocks its thread.
                _ = timeout(CANCEL, running).await;
                fail(Exit::new(CUT, format!("cut after {:?}: {}", self.settings.drain_timeout, spec.name)))
            }
        };
        lifecycle.enter(State::Closing);
        close(closers, runtime).await;
        exit
    }
}

/// Runs the set-up of a service; `None` when the process was asked to stop meanwhile.
async fn set_up<C: CloudService>(
    config: C::Config,
    runtime: &Handle,
    stopping: &mut Stopping,
) -> Result<Option<Service<StateOf<C>>>, Error> {
    let (done, set_up) = oneshot::channel();
    let setting_up: BoxFuture<'static, ()> = Box::pin(async {
        // Nobody waits for it any more where the process is to stop.
        _ = done.send(caught(async { C::start(config).await.into_service() }).await);
    });
    let setting_up = runtime.spawn(setting_up);
    tokio::select! {
        _ = stopping.wait_for(|stop| *stop != Stop::No) => {
            setting_up.abort();
            Ok(None)
        }
        result = set_up => match result {
            Ok(Ok(service)) => service.map(Some),
            Ok(Err(message)) => Err(Error::failed(format!("the set-up panicked: {message}"))),
            Err(error) => Err(Error::failed(format!("the set-up was lost: {error}"))),
        }
    }
}

// === impl Running ===

impl Running {
    /// Serves until it is time to stop, and stops.
    async fn until_stopped(mut self, stopping: &mut Stopping, runtime: &Handle) -> Exit {
        let failure = tokio::select! {
            _ = stopping.wait_for(|stop| *stop != Stop::No) => None,
            failure = self.failed.recv() => failure,
        };
        let Self { traffic, workers, accepting, closers, .. } = self;
        let (settings, lifecycle) = (&traffic.settings, &traffic.lifecycle);

        lifecycle.enter(State::LameDuck);
        // A timer of no time would still wait for the next tick.
        if !settings.lame_duck.is_zero() {
            // Either way the lame duck is over: its time passed, or a person does not want to wait for it.
            let _ = timeout(settings.lame_duck, stopping.wait_for(|stop| *stop == Stop::Soon)).await;
        }

        lifecycle.enter(State::Draining);
        let drained = async {
            accepting.wait().await;
            tokio::join!(traffic.gone(), workers.wait());
        };
        let cut = timeout(settings.drain_timeout, drained).await.is_err();
        let mut exit = Exit::new(DRAINED, "drained");
        if cut {
            if let Some(cut) = what_is_cut(&traffic, &workers) {
                exit = Exit::new(CUT, format!("cut after {:?}: {cut}", settings.drain_timeout));
                tracing::warn!("{}", exit.reason);
            }
            lifecycle.enter(State::Cancelling);
            let cancelled = async { tokio::join!(traffic.gone(), workers.wait()) };
            if timeout(CANCEL, cancelled).await.is_err() {
                tracing::warn!(connections = traffic.connections(), workers = workers.len(), "left behind");
            }
        }

        lifecycle.enter(State::Closing);
        close(closers, runtime).await;
        if let Some(failure) = failure {
            exit = fail(Exit::new(FAILED, failure));
        }
        exit
    }
}

/// Closes resources on the service's runtime, the last opened first.
async fn close(closers: Vec<Closer>, runtime: &Handle) {
    let closing: BoxFuture<'static, ()> = Box::pin(async move {
        for Closer { name, close } in closers.into_iter().rev() {
            match caught(close).await {
                Ok(()) => tracing::debug!(resource = name, "closed"),
                Err(error) => tracing::warn!(resource = name, %error, "could not be closed"),
            }
        }
    });
    if timeout(CLOSE, runtime.spawn(closing)).await.is_err() {
        tracing::warn!("resources were not closed within {CLOSE:?}: left open");
    }
}

/// Names what did not end within the drain: "2 requests of /slow, 1 worker". Nothing, where all that is left is
/// connections without a request.
fn what_is_cut(traffic: &Traffic, workers: &TaskTracker) -> Option<String> {
    let mut cut: Vec<_> = traffic
        .in_flight_by_route()
        .into_iter()
        .map(|(route, count)| format!("{} of {route}", counted(count, "request")))
        .collect();
    if !workers.is_empty() {
        cut.push(counted(workers.len(), "worker"));
    }
    let blocked = traffic.blocked_connections();
    if cut.is_empty() && blocked > 0 {
        cut.push(format!("{} to a client that didn't take it", counted(blocked, "answer")));
    }
    (!cut.is_empty()).then(|| cut.join(", "))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Logs why the process ends before it does.
fn fail(exit: Exit) -> Exit {
    tracing::error!(exit.code = exit.code, "{}", exit.reason);
    exit
}

/// Binds an address; a problem names the variable that says it.
fn bind(variable: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), String> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        // Again, since the standard library has room for 128.
        socket2::SockRef::from(&listener).listen(BACKLOG)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|error| format!("can't listen on {variable}={address}: {error}"))
}

fn control_runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn service_runtime(owner: Owner) -> std::io::Result<Runtime> {
    let own_thread = move || owner.clone().own_thread();
    tokio::runtime::Builder::new_multi_thread().thread_name("service").on_thread_start(own_thread).enable_all().build()
}
