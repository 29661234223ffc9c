//! The service on axum with Cloudflare's foundations: its traces, metrics and log, each as its documentation does it. Its
//! allocator and its sandbox are left out, since no other server here has them.

use std::{env, error::Error, sync::Arc};

use axum::{
    Json, Router,
    extract::{MatchedPath, Path, Request},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use foundations::telemetry::{
    TelemetryConfig, log,
    metrics::{Counter, Gauge, HistogramBuilder, TimeHistogram, metrics},
    settings::{LogFormat, OpenTelemetryGrpcOutputSettings, TelemetrySettings, TracesOutput},
    tracing,
};
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// The metrics of requests.
#[metrics]
pub mod http_server {
    /// Requests that are being answered.
    pub fn active_requests() -> Gauge;

    /// Requests that were answered.
    pub fn requests_total(route: &Arc<str>, status: u16) -> Counter;

    /// How long an answer took.
    #[ctor = HistogramBuilder { buckets: &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0] }]
    pub fn request_duration_seconds(route: &Arc<str>) -> TimeHistogram;
}

#[derive(Deserialize, Serialize)]
struct Greeting {
    message: String,
}

#[tracing::span_fn("hello")]
async fn hello(Path(name): Path<String>) -> Json<Greeting> {
    Json(Greeting { message: format!("Hello, {name}!") })
}

#[tracing::span_fn("echo")]
async fn echo(Json(greeting): Json<Greeting>) -> Json<Greeting> {
    Json(greeting)
}

/// Traces, counts, times and logs a request.
async fn observe(request: Request, next: Next) -> Response {
    let route: Arc<str> = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).into();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let root = tracing::start_trace(format!("{method} {route}"), Default::default());
    let context = root.into_context();
    context
        .apply(async move {
            tracing::add_span_tags! {
                "http.request.method" => method.to_string(),
                "http.route" => route.to_string(),
                "url.path" => path.clone()
            };
            http_server::active_requests().inc();
            let timer = http_server::request_duration_seconds(&route).start_timer();
            let response = next.run(request).await;
            drop(timer);
            http_server::active_requests().dec();
            let status = response.status().as_u16();
            http_server::requests_total(&route, status).inc();
            tracing::add_span_tags! { "http.response.status_code" => i64::from(status) };
            log::info!("request"; "method" => method.as_str(), "route" => &*route, "path" => path, "status" => status);
            response
        })
        .await
}

fn settings() -> Result<TelemetrySettings, Box<dyn Error>> {
    let mut settings = TelemetrySettings::default();
    settings.logging.format = LogFormat::Json;
    settings.tracing.output = TracesOutput::OpenTelemetryGrpc(OpenTelemetryGrpcOutputSettings {
        endpoint_url: env::var("OTEL_EXPORTER_OTLP_ENDPOINT")?,
        ..Default::default()
    });
    settings.server.addr = env::var("ADMIN_ADDR")?.parse::<std::net::SocketAddr>()?.into();
    Ok(settings)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "count")]
    allocations::serve();
    let driver = foundations::telemetry::init(TelemetryConfig {
        service_info: &foundations::service_info!(),
        settings: &settings()?,
        custom_server_routes: Vec::new(),
    })?;
    tokio::spawn(driver);

    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(env::var("HTTP_ADDR")?).await?;
    let router =
        Router::new().route("/hello/{name}", get(hello)).route("/echo", post(echo)).layer(middleware::from_fn(observe));
    tokio::select! {
        ended = axum::serve(listener, router).into_future() => ended?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
