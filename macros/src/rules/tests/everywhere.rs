//! What rules find that look at every file, and the nearest that they don't.

use super::reported;

/// How many findings of a rule there are in a source.
fn count(code: &str, source: &str) -> usize {
    let all = reported(source);
    let of_rule = all.iter().filter(|text| text.ends_with(&format!(", {code}"))).count();
    assert_eq!(of_rule, all.len(), "{source}: {all:?}");
    of_rule
}

fn found(code: &str, sources: &[&str]) {
    for source in sources {
        assert_eq!(count(code, source), 1, "{source}");
    }
}

fn innocent(code: &str, sources: &[&str]) {
    for source in sources {
        assert_eq!(count(code, source), 0, "{source}");
    }
}

#[test]
fn process_exit() {
    found(
        "SW008",
        &[
            "fn f() { std::process::exit(1) }",
            "fn f() { ::std::process::abort() }",
            "use std::process as p; fn f() { p::exit(1) }",
            "use std::process::exit as quit; fn f() { vec![1].into_iter().for_each(|_| quit(1)) }",
            "fn f(a: Option<u8>) { a.unwrap_or_else(std::process::abort); }",
            "use std::process; impl A { fn f() { std::panic::set_hook(Box::new(|_| process::exit(1))) } }",
            "#[health] async fn f() { std::process::exit(1) }",
            "#[ready] async fn f() { std::process::exit(1) }",
            "#[worker] async fn f() { async { unsafe { libc::_exit(1) } }.await }",
            "#[cloud_service] async fn main() -> Router { std::process::exit(1) }",
        ],
    );
    innocent(
        "SW008",
        &[
            "fn f() -> std::process::ExitCode { std::process::ExitCode::SUCCESS }",
            "fn f() { std::process::id(); std::process::Command::new(\"a\"); app.exit(1); Self::exit(1); exit(1); }",
            "fn f(task: tokio::task::JoinHandle<()>) { task.abort() }",
            "use std::process::exit; fn f(exit: u8) { g(exit) }",
            "#[cfg(test)] mod tests { fn f() { std::process::exit(1) } }",
            "/// std::process::exit(1)\nfn f() { \"std::process::exit(1)\"; }",
        ],
    );
}

#[test]
fn state_in_static() {
    const USES: &str = "use std::{cell::{Cell, RefCell}, collections::HashMap, sync::{Arc, Mutex, RwLock, OnceLock, \
                        LazyLock}}; use once_cell::sync::Lazy; use dashmap::DashMap; ";
    let with_uses = |items: &[&str]| items.iter().map(|item| format!("{USES}{item}")).collect::<Vec<_>>();
    let state = with_uses(&[
        "static mut COUNT: u64 = 0;",
        "static A: Mutex<Vec<Order>> = Mutex::new(Vec::new());",
        "pub(crate) static A: RwLock<Option<State>> = RwLock::new(None);",
        "static A: std::sync::Mutex<u64> = std::sync::Mutex::new(0);",
        "static A: ::std::sync::Mutex<u64> = ::std::sync::Mutex::new(0);",
        "static A: LazyLock<Mutex<HashMap<String, u64>>> = LazyLock::new(Mutex::default);",
        "static A: OnceLock<Arc<Mutex<State>>> = OnceLock::new();",
        "static A: std::sync::OnceLock<tokio::sync::RwLock<State>> = std::sync::OnceLock::new();",
        "static A: tokio::sync::OnceCell<tokio::sync::Mutex<State>> = tokio::sync::OnceCell::const_new();",
        "static A: Lazy<DashMap<String, u64>> = Lazy::new(DashMap::new);",
        "static A: Lazy<parking_lot::Mutex<Vec<u8>>> = Lazy::new(Default::default);",
        "static A: [Mutex<Vec<u64>>; 4] = [const { Mutex::new(Vec::new()) }; 4];",
        "static A: &Mutex<State> = &Mutex::new(State);",
        "static A: Mutex<(u64, State)> = Mutex::new((0, State));",
        "lazy_static! { static ref A: Mutex<Vec<Order>> = Mutex::new(Vec::new()); }",
        "lazy_static::lazy_static! { pub static ref A: RwLock<State> = RwLock::new(State); }",
        "thread_local! { static A: RefCell<HashMap<String, u64>> = RefCell::default(); }",
        "std::thread_local! { static A: RefCell<Option<Vec<Order>>> = const { RefCell::new(None) }; }",
        "type Sessions = Mutex<HashMap<String, u64>>; static A: Sessions = Sessions::default();",
        "use std::sync::Mutex as Lock; static A: Lock<State> = Lock::new(State);",
        "fn f() { if true { static A: Mutex<State> = Mutex::new(State); } }",
        "#[handler] async fn f() { static A: Mutex<State> = Mutex::new(State); }",
        "mod m { use parking_lot::Mutex; static A: Mutex<State> = Mutex::new(State); }",
        "type A = u8; type B = Arc<Mutex<State>>; static C: OnceLock<B> = OnceLock::new();",
        "thread_local! { static A: RefCell<Vec<String>> = RefCell::default(); }",
    ]);
    found("SW009", &state.iter().map(String::as_str).collect::<Vec<_>>());
    let others = with_uses(&[
        "static A: Mutex<()> = Mutex::new(());",
        "static A: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());",
        "static A: AtomicU64 = AtomicU64::new(0); static B: &str = \"\"; static C: [u8; 2] = [0, 1];",
        "static A: OnceLock<Regex> = OnceLock::new(); static B: LazyLock<HashMap<&'static str, u8>> = f();",
        "static A: Lazy<reqwest::Client> = Lazy::new(reqwest::Client::new);",
        "static A: OnceLock<Mutex<Option<JoinHandle<()>>>> = OnceLock::new();",
        "static A: Mutex<Option<oneshot::Sender<()>>> = Mutex::new(None);",
        "static A: LazyLock<Mutex<rusqlite::Connection>> = f();",
        "static A: LazyLock<RwLock<Arc<AppConfig>>> = f();",
        "static A: LazyLock<Mutex<StdRng>> = f();",
        "lazy_static! { static ref A: Regex = Regex::new(\"\").unwrap(); }",
        "thread_local! { static A: RefCell<Vec<u8>> = RefCell::default(); static B: Cell<bool> = Cell::new(false); }",
        "thread_local! { static A: RefCell<SmallRng> = f(); static B: OnceCell<Owner> = OnceCell::new(); }",
        "thread_local! { static A: RefCell<Vec<EnteredGuard>> = f(); static B: Cell<Option<Context>> = f(); }",
        "thread_local! { static TYPE_CACHE: RefCell<HashMap<String, Type>> = f(); }",
        "static PAGES: OnceLock<RwLock<LruCache<String, Page>>> = f(); static PAGE_CACHE: RwLock<HashMap<A, B>> = f();",
        "static A: Mutex<Vec<axum_server::Handle<SocketAddr>>> = f();",
        "static A: Mutex<Option<Box<dyn Fn()>>> = f(); static B: RwLock<Vec<fn()>> = f();",
        "macro_rules! a { ($t:ty) => { static A: Mutex<$t> = f(); static $t: Mutex<State> = f(); } }",
        "tokio::task_local! { static A: RefCell<HashMap<String, Context>>; }",
        "extern \"C\" { static mut environ: *const *const u8; }",
        "struct Mutexes { a: Mutex<State> } fn f(a: &'static Mutex<State>) -> Box<dyn Fn() + 'static> { g() }",
        "mod m { static A: Mutex<State> = Mutex::new(State); }",
        "#[cfg(test)] static A: Mutex<State> = Mutex::new(State);",
        "type A = B; type B = A; static C: A = f();",
        "static A: OnceLock<Mutex<prometheus::Registry>> = f(); static B: RwLock<JwkSet> = f();",
        "static A: LazyLock<Mutex<ulid::Generator>> = f(); static B: LazyLock<Mutex<sysinfo::System>> = f();",
        "static A: LazyLock<RwLock<Tera>> = f(); static B: RwLock<Environment<'static>> = f();",
        "static A: Mutex<Option<CircuitBreaker>> = f(); static B: Mutex<RateLimiter> = f();",
        "static JWKS: RwLock<HashMap<String, Key>> = f(); static METRICS: Mutex<HashMap<String, Counter>> = f();",
        "static SCRATCH: Mutex<Vec<Row>> = f(); static A: Mutex<Vec<Histogram>> = f(); static B: Mutex<Interner> = f();",
        "thread_local! { static A: RefCell<Vec<f32>> = f(); static B: RefCell<Vec<char>> = f(); }",
    ]);
    innocent("SW009", &others.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn signal_handler() {
    found(
        "SW010",
        &[
            "async fn f() { tokio::signal::ctrl_c().await }",
            "use tokio::signal; async fn f() { tokio::select! { _ = signal::ctrl_c() => {} } }",
            "use tokio::signal::unix as s; fn f() { s::signal(s::SignalKind::terminate()) }",
            "use tokio::signal::unix::{signal, SignalKind}; fn f() { let mut a = signal(SignalKind::interrupt())?; }",
            "fn f() { tokio::signal::unix::signal(SignalKind::from_raw(libc::SIGTERM)) }",
            "fn f() { ctrlc::set_handler(move || stop()) }",
            "fn f() { signal_hook::flag::register(signal_hook::consts::SIGTERM, stop) }",
            "use signal_hook::iterator::Signals; fn f() { Signals::new([SIGHUP, SIGINT]) }",
            "use signal_hook::{consts::SIGTERM as STOP, low_level}; fn f() { low_level::register(STOP, || {}) }",
            "fn f() { nix::sys::signal::sigaction(nix::sys::signal::Signal::SIGTERM, &action) }",
            "#[worker] async fn f() { tokio::signal::ctrl_c().await; }",
            "#[cloud_service] async fn main() -> Router { tokio::signal::ctrl_c().await; Router::new() }",
        ],
    );
    innocent(
        "SW010",
        &[
            "use tokio::signal::unix::{signal, SignalKind}; fn f() { signal(SignalKind::hangup()); signal(kind) }",
            "fn f() { tokio::signal::unix::signal(SignalKind::user_defined1()) }",
            "fn f() { signal_hook::flag::register(SIGUSR1, Arc::clone(&terminate)) }",
            "fn f() { signal_hook::low_level::raise(SIGTERM); nix::sys::signal::kill(pid, Signal::SIGTERM) }",
            "fn f() { signal(SIGTERM); ctrl_c() }",
            "#[cfg(test)] mod tests { fn f() { tokio::signal::ctrl_c() } }",
        ],
    );
}

#[test]
fn second_server() {
    found(
        "SW011",
        &[
            "async fn f() { axum::serve(listener, router).await }",
            "use seaworthy::axum; async fn f() { axum::serve(listener, router).await }",
            "use axum::serve as run; async fn f() { run(listener, router).await }",
            "use axum_server::bind_rustls; async fn f() { bind_rustls(address, tls).serve(a).await }",
            "use hyper::server::conn::http1; fn f() { http1::Builder::new().serve_connection(io, service) }",
            "fn f() { hyper_util::server::conn::auto::Builder::new(executor) }",
            "use warp::Filter; async fn f() { warp::serve(routes).run(address).await }",
            "use actix_web::{App, HttpServer}; fn f() { HttpServer::new(|| App::new()) }",
            "use tonic::transport::Server; fn f() { Server::builder().add_service(a).serve(address) }",
            "#[worker] async fn f() { axum::serve(listener, router).await; }",
        ],
    );
    innocent(
        "SW011",
        &[
            "fn f() { Service::new(()).http(Router::new().route(\"/\", get(a))) }",
            "fn f() { tonic::transport::Server::builder().add_service(a).into_router() }",
            "fn f() { tonic::service::Routes::new(a).into_axum_router(); tonic::transport::Channel::builder(a) }",
            "fn f(a: hyper::server::conn::http1::Builder, b: axum_server::Handle) { axum_server::Handle::new() }",
            "fn f() { tower_http::services::ServeDir::new(\"a\"); serve(a); tokio::net::TcpListener::bind(a) }",
            "#[cfg(test)] mod tests { async fn f() { axum::serve(a, b).await } }",
        ],
    );
}

#[test]
fn second_subscriber() {
    found(
        "SW012",
        &[
            "fn f() { tracing_subscriber::fmt::init() }",
            "fn f() { tracing_subscriber::fmt().with_max_level(A).json().init() }",
            "use tracing_subscriber::{fmt, prelude::*}; fn f() { fmt().with_env_filter(a()).try_init().ok(); }",
            "use tracing_subscriber as logs; fn f() { logs::registry().with(a).with(b()?).init(); }",
            "fn f() { let a = tracing_subscriber::registry().with(b); a.init(); }",
            "fn f() { let mut a = tracing_subscriber::fmt().json(); if b { a.with(c).try_init()?; } }",
            "fn f() { tracing::subscriber::set_global_default(subscriber) }",
            "use seaworthy::tracing; fn f() { tracing::subscriber::set_global_default(subscriber) }",
            "fn f() { let a = tracing_subscriber::FmtSubscriber::builder().finish(); \
             tracing::subscriber::set_global_default(a) }",
            "fn f() { metrics_exporter_prometheus::PrometheusBuilder::new().with_http_listener(a).install() }",
            "use metrics_exporter_prometheus::PrometheusBuilder; \
             fn f() { let handle = PrometheusBuilder::new().set_buckets(a)?.install_recorder()?; }",
            "fn f() { metrics::set_global_recorder(recorder) }",
            "#[cloud_service] async fn main() -> Router { tracing_subscriber::fmt().init(); Router::new() }",
        ],
    );
    innocent(
        "SW012",
        &[
            "fn f() { let _guard = tracing_subscriber::registry().with(a).set_default(); }",
            "fn f() { let a = tracing_subscriber::fmt().finish(); tracing::subscriber::with_default(a, || b.init()) }",
            "fn f() { let a = tracing_subscriber::registry().with(b); other.init(); a.c; self.a.init() }",
            "fn f() { metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder() }",
            "fn f() { tracing_subscriber::EnvFilter::from_default_env(); tracing_subscriber::fmt::layer().init() }",
            "fn f() { env_logger::init(); tracing_log::LogTracer::init() }",
            "fn f() { opentelemetry::global::set_tracer_provider(a) }",
            "fn f() { tracing_subscriber::reload::Layer::new(a); App::init(); init() }",
            "#[cfg(test)] mod tests { fn f() { tracing_subscriber::fmt().init() } }",
        ],
    );
}

#[test]
fn environment_read() {
    found(
        "SW013",
        &[
            "fn f() { std::env::var(\"A\") }",
            "use std::env; fn f() { env::var_os(\"A\") }",
            "use std::env::var as read; fn f() { read(\"A\") }",
            "fn f() { for (name, value) in std::env::vars() {} }",
            "fn f() { [\"A\"].into_iter().map(std::env::var) }",
            "fn f() { async { std::env::var(name).ok() } }",
            "use dotenvy::dotenv; fn f() { dotenv().ok(); }",
            "fn f() { dotenv::dotenv().ok(); }",
            "fn f() { dotenvy::from_filename(\".env\") }",
            "static A: LazyLock<String> = LazyLock::new(|| std::env::var(\"A\").unwrap());",
            "fn f() { std::env::var(\"HOME_PAGE\") }",
            "#[cloud_service] async fn main() -> Router { std::env::var(\"A\"); Router::new() }",
        ],
    );
    innocent(
        "SW013",
        &[
            "fn f() { std::env::args(); std::env::current_dir(); env!(\"A\"); option_env!(\"A\"); env::var(\"A\") }",
            "fn f() { std::env::var(\"CARGO_MANIFEST_DIR\"); std::env::var(\"KUBERNETES_SERVICE_HOST\") }",
            "fn f() -> Result<(), std::env::VarError> { std::env::VarError::NotPresent }",
            "use std::env::var; fn f(var: u8) { g(var) }",
            "fn f() -> Result<(), dotenvy::Error> { dotenvy_macro::dotenv!(\"A\") }",
            "fn f(a: dotenvy::Error) { match a { dotenvy::Error::LineParse(a, b) => {} _ => dotenvy::Error::Io(c) } }",
            "fn f() { for a in [\"HOSTNAME\", \"PATH\"] { std::env::var(\"HOSTNAME\"); std::env::var_os(\"PATH\"); } }",
            "use std::env::var; fn f() { var(\"HOME\"); var(\"TMPDIR\"); var(\"TZ\"); var(\"USER\"); }",
            "fn f() { Command::new(a).env_clear().envs(std::env::vars().filter(|(b, _)| b != \"C\")).spawn() }",
            "#[test] fn f() { std::env::var(\"A\") }",
        ],
    );
    for (name, help) in [
        ("DATABASE_URL", "add `database_url: String` to your `#[config(env)]`"),
        ("API_TOKEN", "add `api_token: Secret<String>` to your `#[config(env)]`"),
        ("RUST_LOG", "remove it: the runtime reads `RUST_LOG` itself"),
        ("OTEL_SERVICE_NAME", "remove it: the runtime reads `OTEL_SERVICE_NAME` itself"),
        ("a-b", "make it a field of your `#[config(env)]`"),
    ] {
        let all = reported(&format!("fn f() {{ std::env::var({name:?}) }}"));
        assert!(all.iter().any(|text| text.contains(&format!("\nhelp: {help}\n"))), "{all:?}");
    }
}

#[test]
fn a_server_in_a_task_that_hears_a_signal_is_one_mistake() {
    let of = |body: &str| {
        let functions = [format!("async fn f() {{ {body} }}"), format!("#[worker] async fn f() {{ {body} }}")];
        functions.map(|function| {
            let all = reported(&function);
            all.iter().map(|text| text.rsplit(", ").next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        })
    };
    for (body, code) in [
        ("tokio::spawn(async { axum::serve(listener, router).await });", "SW011"),
        ("axum::serve(a, b).with_graceful_shutdown(async { tokio::signal::ctrl_c().await }).await;", "SW011"),
        ("tokio::spawn(async move { tokio::signal::ctrl_c().await; stop.send(()) });", "SW010"),
        ("tokio::spawn(async { axum::serve(a, b).with_graceful_shutdown(tokio::signal::ctrl_c()).await });", "SW011"),
        ("tokio::spawn(work()); axum::serve(listener, router).await;", "SW004 SW011"),
        ("tokio::spawn(async { std::process::exit(1) });", "SW004 SW008"),
    ] {
        assert_eq!(of(body), [code; 2], "{body}");
    }
    let allowed = "tokio::spawn(async {\n// seaworthy: allow(SW011) a\naxum::serve(a, b).await; });";
    assert_eq!(of(allowed)[0], "SW004");
}

#[test]
fn print() {
    found(
        "SW014",
        &[
            "#[handler] async fn f() { println!(\"a\"); }",
            "#[health] async fn f() { eprint!(\"a\"); }",
            "#[ready] async fn f() { let a = dbg!(b()); }",
            "#[worker] async fn f() { for a in b { async { std::eprintln!(\"a\") }.await } }",
            "use std::println as say; #[handler] async fn f() { say!(\"a\"); }",
            "#[cloud_service] async fn main() -> Router { print!(\"a\"); Router::new() }",
        ],
    );
    innocent(
        "SW014",
        &[
            "fn f() { println!(\"a\"); }",
            "#[handler] async fn f() { tracing::info!(\"println!\"); terminal::print!(\"a\"); a.print() }",
            "#[handler(allow(SW014, reason = \"a\"))] async fn f() { println!(\"a\"); }",
        ],
    );
}

#[test]
fn unbounded_channel() {
    found(
        "SW015",
        &[
            "fn f() { tokio::sync::mpsc::unbounded_channel::<u8>() }",
            "use tokio::sync::mpsc; fn f() { let (a, b) = mpsc::unbounded_channel(); }",
            "use std::sync::mpsc::{self, Sender}; fn f() { mpsc::channel() }",
            "use std::sync::mpsc::channel as queue; fn f() { queue() }",
            "use futures::channel::mpsc; fn f() { mpsc::unbounded() }",
            "fn f() { futures_channel::mpsc::unbounded() }",
            "use flume; fn f() { flume::unbounded() }",
            "fn f() { crossbeam_channel::unbounded() }",
            "use crossbeam::channel; fn f() { channel::unbounded() }",
            "fn f() { async_channel::unbounded() }",
            "fn f() { kanal::unbounded_async() }",
            "fn f() { let (a, b) = std::sync::mpsc::channel(); g(a); loop { b.recv(); } }",
            "fn f() { let (a, b) = std::sync::mpsc::channel(); g(a); while let Ok(c) = b.recv() {} }",
            "fn f() { let (a, b) = std::sync::mpsc::channel(); g(a); b.recv(); b.recv(); }",
            "fn f() { let (a, b) = std::sync::mpsc::channel(); g(a); for c in b {} }",
            "#[worker] async fn f() { tokio::join!(async { tokio::sync::mpsc::unbounded_channel() }); }",
        ],
    );
    innocent(
        "SW015",
        &[
            "use tokio::sync::mpsc; fn f(a: mpsc::UnboundedSender<u8>) { mpsc::channel(1) }",
            "fn f() { std::sync::mpsc::sync_channel(1); tokio::sync::oneshot::channel() }",
            "fn f() { tokio::sync::watch::channel(0); futures::channel::oneshot::channel() }",
            "fn f() { tokio::sync::broadcast::channel(1); flume::bounded(1); unbounded(); channel::unbounded() }",
            "fn f() { let (a, b) = std::sync::mpsc::channel(); spawn(|| a.send(1)); b.recv_timeout(c)?; }",
            "async fn f() { let (a, mut b) = tokio::sync::mpsc::unbounded_channel(); g(a); let c = b.recv().await; }",
            "fn f() { tokio::sync::mpsc::unbounded_channel::<()>() }",
            "use std::sync::mpsc; fn f() { let (_, a): (mpsc::Sender<()>, mpsc::Receiver<()>) = mpsc::channel(); }",
            "#[cfg(test)] mod tests { fn f() { flume::unbounded() } }",
        ],
    );
}

#[test]
fn unlimited_body() {
    found(
        "SW016",
        &[
            "async fn f(body: Body) { axum::body::to_bytes(body, usize::MAX).await }",
            "use axum::body::to_bytes as read; async fn f(body: Body) { read(body, std::usize::MAX).await }",
            "use seaworthy::axum::body; async fn f(a: Request) { body::to_bytes(a.into_body(), usize::MAX,).await }",
            "async fn f(a: Request) { let (parts, body) = a.into_parts(); axum::body::to_bytes(body, usize::MAX) }",
            "use axum::extract::DefaultBodyLimit; fn f() { router.layer(DefaultBodyLimit::disable()) }",
            "use axum::extract::DefaultBodyLimit as Limit; fn f() { router.layer(Limit::max(usize::MAX)) }",
            "fn f() { tower_http::limit::RequestBodyLimitLayer::new(usize::MAX) }",
            "fn f() { http_body_util::Limited::new(body, usize::MAX) }",
            "#[handler] async fn f(body: Body) { axum::body::to_bytes(body, usize::MAX).await; }",
            "async fn f(a: Request) { let b = a.map(g); axum::body::to_bytes(b.into_body(), usize::MAX).await }",
            "async fn g() { let body = h().await; } async fn f(body: Body) { axum::body::to_bytes(body, usize::MAX).await }",
        ],
    );
    innocent(
        "SW016",
        &[
            "async fn f(body: Body) { axum::body::to_bytes(body, 1024).await; axum::body::to_bytes(body, MAX) }",
            "fn f() { axum::body::to_bytes(body, g(usize::MAX)); axum::body::to_bytes(body, usize::MAX / 4) }",
            "fn f() { axum::body::to_bytes(response.into_body(), usize::MAX) }",
            "fn f() { axum::body::to_bytes(next.run(request).await.into_body(), usize::MAX) }",
            "fn f() { let (parts, body) = res.into_parts(); axum::body::to_bytes(body, usize::MAX) }",
            "async fn f() { let up = client.request(a).await?; axum::body::to_bytes(up.into_body(), usize::MAX) }",
            "async fn f() { let up = ask().await?; let (a, body) = up.into_parts(); axum::body::to_bytes(body, usize::MAX) }",
            "async fn f() { axum::body::to_bytes(ask().await?.into_body(), usize::MAX) }",
            "use axum::extract::DefaultBodyLimit; fn f() { router.layer(DefaultBodyLimit::max(1024)) }",
            "fn f() { router.layer(axum::extract::DefaultBodyLimit::disable()) \
             .layer(tower_http::limit::RequestBodyLimitLayer::new(1024)) }",
            "#[cfg(test)] mod tests { fn f() { axum::body::to_bytes(body, usize::MAX) } }",
        ],
    );
}

#[test]
fn a_task_that_others_wait_for_is_not_detached() {
    let kept = [
        "let (tx, rx) = mpsc::channel(8); tokio::spawn(async move { tx.send(row().await).await }); Sse::new(rx)",
        "let (mut a, b) = tokio::io::duplex(1); let body = stream(b); tokio::spawn(zip(&mut a)); body",
        "let (tx, rx) = mpsc::channel::<Row>(8); { let tx = tx.clone(); tokio::spawn(rows(tx)); } ReceiverStream::new(rx)",
        "tokio::spawn(async move { serve(hyper::upgrade::on(&mut request).await).await }); switching()",
        "use hyper::upgrade; tokio::spawn(async { let up = upgrade::on(r).await; tokio::spawn(serve(up)); }); switching()",
        "let (response, socket) = hyper_tungstenite::upgrade(request, None)?; tokio::spawn(serve(socket)); response",
        "let (db, conn) = tokio_postgres::connect(URL, NoTls).await?; tokio::spawn(async move { conn.await }); db.rows()",
        "let (mut a, b) = http1::handshake::<_, Body>(io).await?; tokio::spawn(b); a.send_request(request).await",
        "let (c, handle, _) = rtnetlink::new_connection()?; tokio::spawn(c); handle.link().get()",
        "if let Ok((db, conn)) = config.connect_raw(io, tls).await { tokio::spawn(conn); db.rows() }",
        "let _work = tokio::spawn(work()); other().await; _work.abort(); StatusCode::OK",
        "let _work; if late() { _work = tokio::spawn(work()); } _work.abort(); StatusCode::OK",
        "drop(tokio::spawn(work()).await); _ = tokio::spawn(work()).await; drop(keep(tokio::spawn(work())));",
    ];
    let lost = [
        "let (tx, rx) = mpsc::channel(8); tokio::spawn(produce(tx)); tokio::spawn(consume(rx)); StatusCode::OK",
        "let (tx, rx) = mpsc::channel(8); tokio::spawn(consume(rx)); tx",
        "let (tx, rx) = watch::channel(0); tokio::spawn(poll(tx)); rx",
        "tokio::spawn(async move { serve(hyper::upgrade::on(&mut request).await).await }); tokio::spawn(other());",
        "let (parts, body) = request.into_parts(); tokio::spawn(audit(parts)); echo(body)",
        "let (tx, rx) = mpsc::channel(8); keep(tx); tokio::spawn(other()); Sse::new(rx)",
        "_ = tokio::spawn(work()); StatusCode::OK",
        "drop(tokio::spawn(work())); StatusCode::OK",
        "std::mem::drop(tokio::spawn(work())); StatusCode::OK",
        "let _: JoinHandle<_> = tokio::spawn(work()); StatusCode::OK",
        "let _work: JoinHandle<()> = tokio::spawn(work()); StatusCode::OK",
        "{ let _work = tokio::spawn(work()); } let _work = other(); _work.abort();",
        "let (db, conn) = tokio_postgres::connect(URL, NoTls).await?; tokio::spawn(async move { conn.await; db.end() }); 1",
        "let (db, conn) = tokio_postgres::connect(URL, NoTls).await?; tokio::spawn(conn); tokio::spawn(db.work()); 1",
        "let (a, b) = TcpStream::connect(URL).await?.into_split(); tokio::spawn(write(b)); read(a).await",
        "let (socket, response) = connect_async(URL).await?; tokio::spawn(read(socket)); response.status()",
        "let (a, b) = connection(URL).await?; tokio::spawn(b); a.rows()",
    ];
    let of = |body: &str| reported(&format!("#[handler] async fn rows(request: Request) -> Response {{ {body} }}"));
    let is_lost = |body: &str| of(body).iter().any(|text| text.ends_with("SW004"));
    for body in kept {
        assert!(!is_lost(body), "{body}");
    }
    for body in lost {
        assert!(is_lost(body), "{body}");
    }
    assert_eq!(reported("#[health] async fn f() { tokio::spawn(work()); }").len(), 1);
}
