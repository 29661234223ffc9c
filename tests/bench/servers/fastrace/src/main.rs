//! The service on axum with fastrace: its layer, a span for the handler and its OpenTelemetry reporter. It has no metrics and no access
//! log.

use std::{borrow::Cow, env, error::Error};

use axum::{
    Json, Router,
    extract::Path,
    routing::{get, post},
};
use fastrace::collector::Config;
use fastrace_axum::FastraceLayer;
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

#[derive(Deserialize, Serialize)]
struct Greeting {
    message: String,
}

#[fastrace::trace]
async fn hello(Path(name): Path<String>) -> Json<Greeting> {
    Json(Greeting { message: format!("Hello, {name}!") })
}

#[fastrace::trace]
async fn echo(Json(greeting): Json<Greeting>) -> Json<Greeting> {
    Json(greeting)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "count")]
    allocations::serve();
    let exporter = SpanExporter::builder().with_http().build()?;
    let resource = Resource::builder().with_service_name("bench").build();
    let scope = InstrumentationScope::builder("bench").build();
    let reporter = OpenTelemetryReporter::new(exporter, Cow::Owned(resource), scope);
    fastrace::set_reporter(reporter, Config::default());

    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(env::var("HTTP_ADDR")?).await?;
    let router =
        Router::new().route("/hello/{name}", get(hello)).route("/echo", post(echo)).layer(FastraceLayer::default());
    tokio::select! {
        ended = axum::serve(listener, router).into_future() => ended?,
        _ = terminate.recv() => fastrace::flush(),
    }
    Ok(())
}
