//! The attributes of Seaworthy. Depend on `seaworthy`, which re-exports them.
//!
//! An annotated function keeps its body and its name, and gains **a type of the same name** that implements one trait
//! of the runtime. Functions and types have different namespaces: `sessions()` calls the function, in a unit test say,
//! and `#[cloud_service(ready(sessions))]` lists the type, so that the compiler checks that it is a readiness check and
//! that the service's state can give it what it asks for. Because of the type, a function can't be called like a crate
//! or a module that is used beside it (`async fn redis()` where `redis::Client` is).
//!
//! How it is made: one file or folder an attribute. Each parses, makes a model that notes every mistake (`errors.rs`),
//! and expands it; after a mistake a stand-in takes the place of the expansion, so that no second error follows. Bodies
//! are not parsed: the rules (`rules/`, one file a rule) look at their tokens, which `code/` gives their meaning.
#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::todo, clippy::unwrap_used)]

mod arguments;
mod check;
mod cloud_service;
mod code;
mod command;
mod config;
mod duration;
mod errors;
mod from_ref;
mod function;
mod handler;
mod rules;
mod state;
#[cfg(test)]
mod tests;
mod worker;

use proc_macro::TokenStream;

/// Makes a service of the function that sets it up: `async fn main(config: Config) -> Result<Service<App>>`.
///
/// The function takes the configuration (a struct with [`#[config(env)]`](macro@config)), or nothing. It returns a
/// `Router`, a `Service<S>` whose state is `S`, or a `Result` of either, whose error can be shown. Name the return type
/// itself, not an alias of it. The first paragraph of its doc comment says in `--help` what the service is for.
///
/// A function called `main` becomes the program. One of another name stays as it is, and becomes a service that
/// `seaworthy::run` or a test can start.
///
/// | argument | | default |
/// |---|---|---|
/// | `health(one, other)` | functions marked [`#[health]`](macro@health) | none |
/// | `ready(one, other)` | functions marked [`#[ready]`](macro@ready); `ready(none)` says that a service with state needs no check | none, for a service without state |
/// | `workers(one, other)` | functions marked [`#[worker]`](macro@worker) | none |
/// | `commands(one, other)` | functions marked [`#[command]`](macro@command), run by `orders one` | none |
/// | `name = ".."` | what the service is called | the name of the package |
/// | `lame_duck = "5s"` | `LAME_DUCK` where the variable is not set: how long to serve after SIGTERM | `"5s"` in Kubernetes |
/// | `drain = "15s"` | `DRAIN_TIMEOUT`, likewise: how long requests in flight may take after that | `"15s"` |
/// | `grace = "30s"` | `TERMINATION_GRACE`, likewise: the pod's `terminationGracePeriodSeconds` | `"30s"` |
/// | `request_timeout = "30s"` | `REQUEST_TIMEOUT`, likewise: how long a handler may take to answer | `"30s"` |
/// | `allow(SW004, reason = "..")` | a rule of `docs/rules.md` that may be broken here, and why | none |
/// | `audit = false` | only what stands below attributes is looked at | `true`, above `main`: every file of the crate |
///
/// Lists take names and paths: `ready(sessions, checks::queue)`.
///
/// ```no_run
/// use seaworthy::prelude::*;
///
/// #[derive(Clone, FromRef)]
/// struct App {
///     greeting: String,
/// }
///
/// #[ready]
/// async fn greeting(State(greeting): State<String>) -> bool {
///     !greeting.is_empty()
/// }
///
/// async fn hello(State(greeting): State<String>) -> String {
///     greeting
/// }
///
/// /// Greets.
/// #[cloud_service(ready(greeting))]
/// async fn main() -> Service<App> {
///     Service::new(App { greeting: "Hello!".into() }).http(Router::new().route("/", get(hello)))
/// }
/// ```
///
/// # Errors
///
/// It does not compile when the function is not async, returns something else, lists a function that is not marked, or
/// lists no readiness check and has state; when the state can't give what a check, a worker or a command takes; where `lame_duck`, `drain` and
/// the 8 s to close are longer than `grace`; or beside `#[tokio::main]`.
#[proc_macro_attribute]
pub fn cloud_service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    cloud_service::expand(arguments.into(), item.into()).into()
}

/// Makes a liveness check of a function, async or not: whether this process can go on, or must be started anew.
///
/// It takes nothing: a dependency that is down must not restart every pod. It returns `()`, `bool`, a `StatusCode` (2xx
/// passes) or a `Result` whose error can be shown. List it in `#[cloud_service(health(..))]`.
///
/// | argument | | default |
/// |---|---|---|
/// | `every = "5s"` | time between two runs | `"5s"` |
/// | `timeout = "1s"` | how long one may take, at most `every` | `"1s"` |
/// | `allow(SW004, reason = "..")` | a rule of `docs/rules.md` that may be broken here, and why | none |
///
/// Durations are whole numbers with units, the largest first: `"1m30s"`, `"500ms"`.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use seaworthy::prelude::*;
///
/// static STUCK: AtomicBool = AtomicBool::new(false);
///
/// /// The pipeline moves.
/// #[health(every = "1s")]
/// fn moving() -> bool {
///     !STUCK.load(Ordering::Relaxed)
/// }
///
/// assert!(moving());
/// ```
///
/// # Errors
///
/// It does not compile with a parameter, or with type parameters.
#[proc_macro_attribute]
pub fn health(arguments: TokenStream, item: TokenStream) -> TokenStream {
    check::health(arguments.into(), item.into()).into()
}

/// Makes a readiness check of an `async fn`: whether requests can be served now.
///
/// It takes parts of the service's state, as handlers do (`State<T>`), and returns `()`, `bool`, a `StatusCode` (2xx
/// passes) or a `Result` whose error can be shown. List it in `#[cloud_service(ready(..))]`: a check that isn't listed
/// is warned of. The first paragraph of its doc comment says what it checks.
///
/// | argument | | default |
/// |---|---|---|
/// | `every = "5s"` | time between two runs | `"5s"` |
/// | `timeout = "1s"` | how long one may take, at most `every` | `"1s"` |
/// | `critical = false` | whether `/ready` fails with it; if not, it reports `degraded` | `true` |
/// | `allow(SW004, reason = "..")` | a rule of `docs/rules.md` that may be broken here, and why | none |
///
/// Durations are whole numbers with units, the largest first: `"1m30s"`, `"500ms"`.
///
/// ```
/// use seaworthy::prelude::*;
/// # #[derive(Clone)]
/// # struct Redis;
/// # impl Redis { async fn ping(&self) -> std::io::Result<()> { Ok(()) } }
///
/// /// Sessions can be read and written.
/// #[ready(every = "5s", timeout = "500ms")]
/// async fn sessions(State(redis): State<Redis>) -> Result<(), std::io::Error> {
///     redis.ping().await
/// }
/// ```
///
/// # Errors
///
/// It does not compile when the function is not async, takes something else, or has type parameters.
#[proc_macro_attribute]
pub fn ready(arguments: TokenStream, item: TokenStream) -> TokenStream {
    check::ready(arguments.into(), item.into()).into()
}

/// Makes a configuration of a struct: each field is read from one environment variable.
///
/// Above the struct:
///
/// | argument | | default |
/// |---|---|---|
/// | `env` | reads it from the environment | required |
/// | `prefix = "APP"` | comes before each variable: `APP_GREETING` | none |
///
/// Above a field (several `#[config(..)]` are read as one):
///
/// | argument | | default |
/// |---|---|---|
/// | `default = "30s"` | read as the variable's text would be | required, unless an `Option` |
/// | `default = expression` | a value of the field's own type | |
/// | `env = "NAME"` | the whole name of its variable | the field's name in capital letters, after the prefix |
/// | `flatten` | the field is another `#[config(env)]` struct; its variables come after this struct's prefix | |
/// | `flatten, env = "REPLICA"` | and `REPLICA_` comes before them too | |
/// | `skip` | `Default::default()`, no variable | |
/// | `allow(SW006, reason = "..")` | a rule of `docs/rules.md` that the field may break, and why | |
///
/// The doc comment of a field says in `--help` and in reports what the variable is for. A field's type needs
/// `serde::Deserialize`; see `seaworthy::config` for how each type is written.
///
/// ```
/// use std::time::Duration;
///
/// use seaworthy::prelude::*;
///
/// /// Settings of the greeter.
/// #[config(env, prefix = "GREETER")]
/// struct Config {
///     /// How the greeting starts.
///     #[config(default = "Hello")]
///     greeting: String,
///     /// How long a session lives.
///     #[config(default = "30m")]
///     lifetime: Duration,
///     /// Where sessions are kept.
///     redis_url: Secret<Url>,
/// }
/// ```
///
/// # Errors
///
/// It does not compile when a default can't be read (where the type is a number, a `bool`, a duration, an address, a
/// `ByteSize`, a `Url`, or a list of these), a secret has one, or a variable has the name of another, also of one in a
/// flattened struct, of its file form (`.._FILE`), of a setting of the runtime, or one that belongs to OpenTelemetry or
/// Kubernetes. Nor does it when a default is a URL with a password, or when a `String`
/// has the name of a secret: one that ends with `password`, `passwd`, `passphrase`, `secret`, `token`, or with
/// `api_key`, `secret_key`, `private_key`, `signing_key` or `encryption_key`.
#[proc_macro_attribute]
pub fn config(arguments: TokenStream, item: TokenStream) -> TokenStream {
    config::expand(arguments.into(), item.into()).into()
}

/// Puts a span around an axum handler, and records its error.
///
/// The handler stays the function it was; it may be generic and return `impl IntoResponse`. Where it returns an `Err`,
/// the error goes to the log by its `Display`, else its `Debug`, else the name of its type. Nothing of the parameters
/// is recorded, unless `fields` names it.
///
/// | argument | | default |
/// |---|---|---|
/// | `name = ".."` | the name of the span | the function's name |
/// | `fields(user.id = user_id, name)` | attributes of the span, by `Display`; `name` alone is `name = name` | none |
/// | `allow(SW004, reason = "..")` | a rule of `docs/rules.md` that may be broken here, and why | none |
///
/// ```
/// use seaworthy::prelude::*;
///
/// #[handler(fields(user.name = name))]
/// async fn hello(Path(name): Path<String>) -> Result<String, StatusCode> {
///     if name.is_empty() { Err(StatusCode::BAD_REQUEST) } else { Ok(format!("Hello, {name}!")) }
/// }
///
/// let routes: Router = Router::new().route("/hello/{name}", get(hello));
/// ```
///
/// # Errors
///
/// It does not compile when the function is not async, is a method, or has `#[tracing::instrument]` too.
#[proc_macro_attribute]
pub fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(arguments.into(), item.into()).into()
}

/// Makes a worker of an `async fn`: a background task that lives as long as the service.
///
/// It takes parts of the service's state (`State<T>`) and `Shutdown`, which completes when the drain begins: end then.
/// It returns `()` or a `Result` whose error can be shown. List it in `#[cloud_service(workers(..))]`.
///
/// | argument | | default |
/// |---|---|---|
/// | `restart = "always"` | it is started again whenever it ends, fails or panics | |
/// | `restart = "on-failure"` | it is started again when it fails or panics | the default |
/// | `restart = "never"` | when it fails or panics, the service stops with exit code 1 | |
/// | `backoff = "1s..1m"` | how long to wait before the first restart, and at most | `"1s..1m"` |
/// | `allow(SW004, reason = "..")` | a rule of `docs/rules.md` that may be broken here, and why | none |
///
/// ```
/// use std::time::Duration;
///
/// use seaworthy::prelude::*;
///
/// /// Removes sessions that have expired.
/// #[worker(backoff = "500ms..30s")]
/// async fn expire(mut shutdown: Shutdown) {
///     while !shutdown.has_begun() {
///         // Remove some, and wait for the next time or for the end.
///         (&mut shutdown).await;
///     }
/// }
/// ```
///
/// # Errors
///
/// It does not compile when the function is not async, takes or returns something else, or has type parameters.
#[proc_macro_attribute]
pub fn worker(arguments: TokenStream, item: TokenStream) -> TokenStream {
    worker::expand(arguments.into(), item.into()).into()
}

/// Makes a command of an `async fn`: what the binary does once, in place of serving, such as to migrate a database.
///
/// `orders migrate` loads the configuration and sets the service up as always, calls the function `migrate`, closes what the
/// set-up opened, and exits: with 0, or with 1 when the function returned an error or panicked; with 78 and 69 as the service
/// itself does. It listens nowhere, and checks and workers don't run. Logs and traces go where those of the service go.
///
/// It takes parts of the service's state (`State<T>`) and, to end early, `Shutdown`, which completes when SIGTERM or SIGINT
/// comes. It then has the drain's time (`DRAIN_TIMEOUT`); after that it is dropped where it waits, and the exit code is 2. It
/// returns `()` or a `Result` whose error can be shown. List it in `#[cloud_service(commands(..))]`; its name on the command
/// line has `-` for `_`. The first paragraph of its doc comment says in `--help` what it does.
///
/// | argument | | default |
/// |---|---|---|
/// | `allow(SW004, reason = "..")` | a rule of `docs/rules.md` that may be broken here, and why | none |
///
/// In Kubernetes, it is a Job or an init container with the service's image and `args: ["migrate"]`.
///
/// ```no_run
/// use seaworthy::prelude::*;
/// # #[derive(Clone)]
/// # struct Database;
/// # impl Database { async fn migrate(&self) -> std::io::Result<()> { Ok(()) } }
/// # #[ready] async fn database(State(_): State<Database>) {}
///
/// /// Brings the tables up to date.
/// #[command]
/// async fn migrate(State(database): State<Database>) -> Result<()> {
///     Ok(database.migrate().await?)
/// }
///
/// /// Takes orders.
/// #[cloud_service(ready(database), commands(migrate))]
/// async fn main() -> Service<Database> {
///     Service::new(Database)
/// }
/// ```
///
/// # Errors
///
/// It does not compile when the function is not async, takes or returns something else, has type parameters, or is called
/// like a command that each service has: `check`, `help`, `manifest`, `probe`.
#[proc_macro_attribute]
pub fn command(arguments: TokenStream, item: TokenStream) -> TokenStream {
    command::expand(arguments.into(), item.into()).into()
}

/// Lets handlers, checks, workers and commands take each field of the service's state: `State<Redis>` gives a clone of `app.redis`.
///
/// `#[from_ref(skip)]` leaves a field out.
///
/// ```
/// use std::sync::Arc;
///
/// use seaworthy::prelude::*;
///
/// #[derive(Clone, FromRef)]
/// struct App {
///     names: Arc<Vec<String>>,
///     #[from_ref(skip)]
///     others: Arc<Vec<String>>,
/// }
///
/// async fn count(State(names): State<Arc<Vec<String>>>) -> String {
///     names.len().to_string()
/// }
///
/// let app = App { names: Arc::default(), others: Arc::default() };
/// let routes: Router = Router::new().route("/", get(count)).with_state(app);
/// ```
///
/// # Errors
///
/// It does not compile for a generic struct, for a field that can't be cloned, and where two fields have one type.
#[proc_macro_derive(FromRef, attributes(from_ref))]
pub fn from_ref(item: TokenStream) -> TokenStream {
    from_ref::expand(item.into()).into()
}

/// Looks at every file of a library for what `docs/rules.md` lists: state in statics, detached tasks, `process::exit`.
///
/// Write it once, in `lib.rs`. In a program `#[cloud_service]` above `main` does the same.
///
/// ```
/// seaworthy::audit!();
/// # fn main() {}
/// ```
///
/// # Errors
///
/// What such a rule finds does not compile, or is warned of; the message has the file, the line and the column.
/// `// seaworthy: allow(SW004) reason` above the line allows it.
#[proc_macro]
pub fn audit(arguments: TokenStream) -> TokenStream {
    rules::audit_macro(arguments.into()).into()
}
