//! The service on bare axum: what all others are compared with.

use std::{env, error::Error};

use axum::{
    Json, Router,
    extract::Path,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Deserialize, Serialize)]
struct Greeting {
    message: String,
}

async fn hello(Path(name): Path<String>) -> Json<Greeting> {
    Json(Greeting { message: format!("Hello, {name}!") })
}

async fn echo(Json(greeting): Json<Greeting>) -> Json<Greeting> {
    Json(greeting)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "count")]
    allocations::serve();
    let listener = TcpListener::bind(env::var("HTTP_ADDR")?).await?;
    let router = Router::new().route("/hello/{name}", get(hello)).route("/echo", post(echo));
    axum::serve(listener, router).await?;
    Ok(())
}
