//! Greets people: the smallest service with a configuration, a handler and a readiness check.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use seaworthy::prelude::*;
use serde::Serialize;

/// How people are greeted.
#[config(env)]
struct Config {
    /// How a greeting starts.
    #[config(default = "Hello")]
    greeting: String,
    /// The longest name that is greeted, in characters.
    #[config(default = "50")]
    longest_name: usize,
}

/// What handlers and checks share.
#[derive(Clone, FromRef)]
struct App {
    config: Arc<Config>,
}

#[derive(Serialize)]
struct Greeting {
    message: String,
}

/// There is a greeting to give.
#[ready(every = "2s")]
async fn greeting(State(config): State<Arc<Config>>) -> Result<(), &'static str> {
    if config.greeting.trim().is_empty() {
        return Err("GREETING is blank");
    }
    Ok(())
}

/// Greets whom the path names.
#[handler]
async fn hello(State(config): State<Arc<Config>>, Path(name): Path<String>) -> Result<Json<Greeting>, StatusCode> {
    if name.chars().count() > config.longest_name {
        return Err(StatusCode::BAD_REQUEST);
    }
    let message = format!("{}, {name}!", config.greeting);
    Ok(Json(Greeting { message }))
}

/// Greets people.
#[cloud_service(ready(greeting))]
async fn main(config: Config) -> Service<App> {
    let config = Arc::new(config);
    Service::new(App { config }).http(Router::new().route("/hello/{name}", get(hello)))
}
