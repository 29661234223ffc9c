//! The service whose requests `tests/cost.rs` measures: on Seaworthy, or on bare axum where the first argument says so.
//! Built with the profile `cost`.
#![allow(clippy::disallowed_methods, reason = "bare axum has no configuration to read it with")]

use std::{env, process::ExitCode};

use seaworthy::{
    axum::{self, Router, extract::Path, routing::get},
    prelude::Json,
};
use serde::Serialize;

/// The argument that asks for bare axum.
const BARE: &str = "bare-axum";

#[derive(Serialize)]
struct Greeting {
    message: String,
}

async fn hello(Path(name): Path<String>) -> Json<Greeting> {
    Json(Greeting { message: format!("Hello, {name}!") })
}

/// The service on bare axum.
async fn bare() -> std::io::Result<()> {
    let address = env::var("HTTP_ADDR").expect("the test says where");
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, Router::new().route("/hello/{name}", get(hello))).await
}

/// The service on Seaworthy, with all that a service has by default.
mod full {
    use seaworthy::prelude::*;

    /// With a span of its own.
    #[handler]
    async fn hello(Path(name): Path<String>) -> Json<super::Greeting> {
        super::hello(Path(name)).await
    }

    /// Greets people.
    #[cloud_service(name = "cost")]
    pub(crate) async fn greeter() -> Service {
        Service::new(()).http(Router::new().route("/hello/{name}", get(hello)))
    }
}

fn main() -> ExitCode {
    allocations::serve();
    if env::args().nth(1).as_deref() != Some(BARE) {
        return seaworthy::run::<full::greeter>();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(bare()).expect("it serves until it is killed");
    ExitCode::SUCCESS
}
