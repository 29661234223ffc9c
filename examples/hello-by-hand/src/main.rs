//! The service of `examples/hello` without macros: what the attributes write, a person can write.

use std::{process::ExitCode, sync::Arc, time::Duration};

use seaworthy::{
    About, Check, CloudService, Outcome, Parts, Readiness,
    axum::extract::FromRef,
    config::{self, Values, Variable},
    prelude::*,
};
use serde::Serialize;

/// How people are greeted.
struct Config {
    greeting: String,
    longest_name: usize,
}

impl config::Config for Config {
    const VARIABLES: &'static [Variable] = &[
        Variable::new::<String>("GREETING", "How a greeting starts.").default("Hello"),
        Variable::new::<usize>("LONGEST_NAME", "The longest name that is greeted, in characters.").default("50"),
    ];

    fn build(values: &mut Values) -> Self {
        Self { greeting: values.take("GREETING"), longest_name: values.take("LONGEST_NAME") }
    }
}

/// What handlers and checks share.
#[derive(Clone)]
struct App {
    config: Arc<Config>,
}

impl FromRef<App> for Arc<Config> {
    fn from_ref(app: &App) -> Self {
        Self::clone(&app.config)
    }
}

#[derive(Serialize)]
struct Greeting {
    message: String,
}

/// There is a greeting to give.
struct HasGreeting;

impl Readiness<App> for HasGreeting {
    const CHECK: Check = Check::new("greeting", "There is a greeting to give.").every(Duration::from_secs(2));

    async fn check(app: &App) -> Outcome {
        if app.config.greeting.trim().is_empty() {
            return Err("GREETING is blank".into());
        }
        Ok(())
    }
}

/// Greets whom the path names. Any handler of axum will do; `#[handler]` gives it a span of its own.
async fn hello(State(config): State<Arc<Config>>, Path(name): Path<String>) -> Result<Json<Greeting>, StatusCode> {
    if name.chars().count() > config.longest_name {
        return Err(StatusCode::BAD_REQUEST);
    }
    let message = format!("{}, {name}!", config.greeting);
    Ok(Json(Greeting { message }))
}

/// Greets people.
struct Greeter;

impl CloudService for Greeter {
    const ABOUT: About =
        About { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION"), description: "Greets people." };
    type Config = Config;
    type Output = Service<App>;

    fn parts() -> Parts<Self> {
        Parts::new().ready::<HasGreeting>()
    }

    async fn start(config: Config) -> Service<App> {
        let config = Arc::new(config);
        Service::new(App { config }).http(Router::new().route("/hello/{name}", get(hello)))
    }
}

fn main() -> ExitCode {
    seaworthy::run::<Greeter>()
}
