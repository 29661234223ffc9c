use std::sync::Arc;

use seaworthy::prelude::*;

#[config(env)]
struct Config {
    /// How the greeting starts.
    #[config(default = "Hello")]
    greeting: String,
}

#[derive(Clone, FromRef)]
struct App {
    config: Arc<Config>,
}

#[ready]
async fn greeting(State(config): State<Arc<Config>>) -> bool {
    !config.greeting.is_empty()
}

#[worker]
async fn idle(shutdown: Shutdown) {
    shutdown.await
}

#[handler]
async fn hello(State(config): State<Arc<Config>>, Path(name): Path<String>) -> String {
    format!("{}, {name}!", config.greeting)
}

/// Greets people by their names.
#[cloud_service(ready(greeting), workers(idle))]
async fn main(config: Config) -> Result<Service<App>> {
    let app = App { config: Arc::new(config) };
    Ok(Service::new(app).http(Router::new().route("/hello/{name}", get(hello))))
}
