//! What a service is: what it is called, what it is made of, and what its set-up gives.

use std::{fmt, future::Future, pin::Pin};

use axum::{
    Router,
    extract::{FromRef, State},
};

use crate::{
    Error,
    command::{Command, CommandSpec},
    config::Config,
    lifecycle::Shutdown,
    probe::{Check, Liveness, Outcome, Readiness},
    worker::{Worker, WorkerSpec},
};

/// A service that [`run`](crate::run) can start, probe and stop.
///
/// `#[cloud_service]` writes the implementation; `examples/hello-by-hand` shows one that a person wrote.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "this is not a service",
    note = "help: mark the function `{Self}` with `#[cloud_service]`"
)]
pub trait CloudService: Sized + 'static {
    /// What the service is called, which version it has, and what it is for.
    const ABOUT: About;
    /// The service's own defaults of settings of the runtime, by their variables: `("DRAIN_TIMEOUT", "20s")`. One of
    /// `LAME_DUCK` is for Kubernetes; elsewhere nobody has to be waited for.
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[];
    /// What the service reads from the environment; `()` for nothing.
    type Config: Config;
    /// What the set-up returns: a `Router`, a `Service<S>`, or a `Result` of either.
    type Output: IntoService;
    /// The checks, workers and commands of the service.
    fn parts() -> Parts<Self>;
    /// Sets the service up. It is dropped where it waits when SIGTERM comes before it is done.
    fn start(config: Self::Config) -> impl Future<Output = Self::Output> + Send;
}

/// The name, version and purpose of a service, as `--help`, `--version` and the telemetry show them.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// `service.name`, unless `OTEL_SERVICE_NAME` says otherwise.
    pub name: &'static str,
    /// `service.version`.
    pub version: &'static str,
    /// What the service is for: the doc comment of its function.
    pub description: &'static str,
}

/// The state of the service `C`.
pub(crate) type StateOf<C> = <<C as CloudService>::Output as ServiceOutput>::State;

/// Tasks are spawned as this where they are few: tokio's own code is compiled for each type of task, twice.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The checks, workers and commands of the service `C`, as its attribute lists them.
pub struct Parts<C: CloudService> {
    pub(crate) liveness: Vec<LivenessPart>,
    pub(crate) readiness: Vec<ReadinessPart<StateOf<C>>>,
    pub(crate) workers: Vec<WorkerPart<StateOf<C>>>,
    pub(crate) commands: Vec<CommandPart<StateOf<C>>>,
}

pub(crate) struct LivenessPart {
    pub(crate) check: Check,
    pub(crate) run: fn() -> BoxFuture<'static, Outcome>,
}

pub(crate) struct ReadinessPart<S> {
    pub(crate) check: Check,
    pub(crate) run: fn(&S) -> BoxFuture<'_, Outcome>,
}

pub(crate) struct WorkerPart<S> {
    pub(crate) spec: WorkerSpec,
    pub(crate) run: fn(&S, Shutdown) -> BoxFuture<'_, Outcome>,
}

pub(crate) struct CommandPart<S> {
    pub(crate) spec: CommandSpec,
    pub(crate) run: fn(&S, Shutdown) -> BoxFuture<'_, Outcome>,
}

/// The state of what a set-up may return, whether or not it can be used: so that what is wrong with it is reported by
/// [`IntoService`] alone, and not wherever the state is asked for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a service returns",
    label = "not a service",
    note = "help: return `Router`, `Service<S>`, or a `Result` of either"
)]
pub trait ServiceOutput {
    /// The state that handlers, checks, workers and commands share.
    type State;
}

/// What the set-up of a service may return: a `Router`, a `Service<S>`, or a `Result` of either.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a service returns",
    label = "not a service",
    note = "help: return `Router`, `Service<S>`, or a `Result` of either"
)]
pub trait IntoService: ServiceOutput<State: Clone + Send + Sync + 'static> {
    /// Gives the service, or why it can't start.
    fn into_service(self) -> Result<Service<Self::State>, Error>;
}

/// A service without state, which needs no readiness check.
#[diagnostic::on_unimplemented(
    message = "this service has state, but lists no readiness check",
    label = "the state of this service is not `()`",
    note = "help: list a check that shows the state can be used: `#[cloud_service(ready(my_check))]`",
    note = "help: or say that none is needed: `#[cloud_service(ready(none))]`"
)]
pub trait Stateless {}

/// What a check, a worker or a command can take from the state `S` of the service that lists it.
#[diagnostic::on_unimplemented(
    message = "the state `{S}` can't give `{Self}`",
    label = "`{S}` has no such part",
    note = "help: add a field of the type inside `State<..>` to `{S}` and derive `FromRef` for it, or take `State<{S}>`"
)]
pub trait FromState<S>: Sized {
    /// Takes it from the state.
    fn from_state(state: &S) -> Self;
}

/// What a service is once it is set up: its state, its routes, and what to close when it stops.
#[must_use = "a service runs when `main` returns it"]
pub struct Service<S = ()> {
    pub(crate) state: S,
    pub(crate) router: Router,
    pub(crate) closers: Vec<Closer>,
}

/// Something to close when the service stops, after its workers ended.
pub(crate) struct Closer {
    pub(crate) name: &'static str,
    pub(crate) close: BoxFuture<'static, ()>,
}

// === impl Parts ===

impl<C: CloudService> Parts<C> {
    /// Starts an empty list, for a service that lists its readiness checks or says `ready(none)`.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "`stateless` is the other way to start; neither is the default")]
    pub fn new() -> Self {
        Self { liveness: Vec::new(), readiness: Vec::new(), workers: Vec::new(), commands: Vec::new() }
    }

    /// Starts an empty list for a service that lists no readiness check; `T` is what its set-up returns.
    #[must_use]
    pub fn stateless<T: Stateless>() -> Self {
        Self::new()
    }

    /// Adds a liveness check.
    #[must_use]
    pub fn health<L: Liveness>(mut self) -> Self {
        self.liveness.push(LivenessPart { check: L::CHECK, run: || Box::pin(L::check()) });
        self
    }

    /// Adds a readiness check.
    #[must_use]
    pub fn ready<R: Readiness<StateOf<C>>>(mut self) -> Self {
        self.readiness.push(ReadinessPart { check: R::CHECK, run: |state| Box::pin(R::check(state)) });
        self
    }

    /// Adds a worker.
    #[must_use]
    pub fn worker<W: Worker<StateOf<C>>>(mut self) -> Self {
        self.workers.push(WorkerPart { spec: W::WORKER, run: |state, shutdown| Box::pin(W::run(state, shutdown)) });
        self
    }

    /// Adds a command.
    #[must_use]
    pub fn command<X: Command<StateOf<C>>>(mut self) -> Self {
        self.commands.push(CommandPart { spec: X::COMMAND, run: |state, shutdown| Box::pin(X::run(state, shutdown)) });
        self
    }
}

// === impl ServiceOutput ===

impl ServiceOutput for Router {
    type State = ();
}

impl<S> ServiceOutput for Service<S> {
    type State = S;
}

impl<T: ServiceOutput, E> ServiceOutput for std::result::Result<T, E> {
    type State = T::State;
}

// === impl IntoService ===

impl IntoService for Router {
    fn into_service(self) -> Result<Service, Error> {
        Ok(Service::new(()).http(self))
    }
}

impl<S: Clone + Send + Sync + 'static> IntoService for Service<S> {
    fn into_service(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl<T: IntoService, E: fmt::Display + 'static> IntoService for std::result::Result<T, E> {
    fn into_service(self) -> Result<Service<T::State>, Error> {
        self.map_err(Error::from_display).and_then(T::into_service)
    }
}

// === impl Stateless ===

#[diagnostic::do_not_recommend]
impl Stateless for Router {}
#[diagnostic::do_not_recommend]
impl Stateless for Service<()> {}
#[diagnostic::do_not_recommend]
impl<T: Stateless, E> Stateless for std::result::Result<T, E> {}

// === impl FromState ===

#[diagnostic::do_not_recommend]
impl<S, T: FromRef<S>> FromState<S> for State<T> {
    fn from_state(state: &S) -> Self {
        Self(T::from_ref(state))
    }
}

// === impl Service ===

impl<S: Clone + Send + Sync + 'static> Service<S> {
    /// A service with this state and no routes. `()` is the state of a service that keeps none.
    pub fn new(state: S) -> Self {
        Self { state, router: Router::new(), closers: Vec::new() }
    }

    /// Adds routes, served on `HTTP_ADDR`. Called again, it merges; two routes for one path panic, as in axum.
    pub fn http(mut self, router: Router<S>) -> Self {
        self.router = self.router.merge(router.with_state(self.state.clone()));
        self
    }

    /// Closes something when the service stops: after its requests and workers ended, last opened first.
    ///
    /// Closing all of them may take 3 s together; what is not closed by then is left.
    pub fn on_close(mut self, name: &'static str, close: impl Future<Output = ()> + Send + 'static) -> Self {
        self.closers.push(Closer { name, close: Box::pin(close) });
        self
    }
}
