//! The service on Seaworthy, with everything that a default service does.

use seaworthy::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Greeting {
    message: String,
}

#[handler]
async fn hello(Path(name): Path<String>) -> Json<Greeting> {
    Json(Greeting { message: format!("Hello, {name}!") })
}

#[handler]
async fn echo(Json(greeting): Json<Greeting>) -> Json<Greeting> {
    Json(greeting)
}

/// Greets people.
#[cloud_service]
async fn main() -> Service {
    #[cfg(feature = "count")]
    allocations::serve();
    Service::new(()).http(Router::new().route("/hello/{name}", get(hello)).route("/echo", post(echo)))
}
