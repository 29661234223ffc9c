use std::sync::Arc;

use seaworthy::prelude::*;

struct Config {
    /// How the greeting starts.
    greeting: String,
}

impl ::seaworthy::Config for Config {
    const VARIABLES: &'static [::seaworthy::config::Variable] = &[
        ::seaworthy::config::Variable::new::<
            String,
        >("GREETING", "How the greeting starts.")
            .default("Hello"),
    ];
    fn build(values: &mut ::seaworthy::config::Values) -> Self {
        Self {
            greeting: values.take("GREETING"),
        }
    }
}

#[derive(Clone)]
struct App {
    config: Arc<Config>,
}

impl ::seaworthy::axum::extract::FromRef<App> for Arc<Config> {
    fn from_ref(state: &App) -> Self {
        <Arc<Config> as ::std::clone::Clone>::clone(&state.config)
    }
}

async fn greeting(State(config): State<Arc<Config>>) -> bool {
    !config.greeting.is_empty()
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum greeting {}

impl<S: Sync> ::seaworthy::Readiness<S> for greeting
where
    State<Arc<Config>>: ::seaworthy::FromState<S>,
{
    const CHECK: ::seaworthy::Check = ::seaworthy::Check::new("greeting", "");
    async fn check(state: &S) -> ::seaworthy::Outcome {
        let output = greeting(::seaworthy::FromState::from_state(state)).await;
        ::seaworthy::__private::check_outcome::<bool>(output)
    }
}

async fn idle(shutdown: Shutdown) {
    shutdown.await
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum idle {}

impl<S: Sync> ::seaworthy::Worker<S> for idle {
    const WORKER: ::seaworthy::WorkerSpec = ::seaworthy::WorkerSpec::new("idle", "");
    async fn run(_: &S, shutdown: ::seaworthy::Shutdown) -> ::seaworthy::Outcome {
        let output = idle(shutdown).await;
        ::seaworthy::__private::worker_outcome::<()>(output)
    }
}

async fn hello(State(config): State<Arc<Config>>, Path(name): Path<String>) -> String {
    let span = ::seaworthy::__private::handler_span::<hello>(&[]);
    let body = async move {
        if false {
            return ::seaworthy::__private::never::<String>();
        }
        { format!("{}, {name}!", config.greeting) }
    };
    ::seaworthy::__private::handle::<
        hello,
        _,
    >(span, body, |output| ::seaworthy::__private::error_of(output).describe())
        .await
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum hello {}

impl ::seaworthy::Handler for hello {
    const NAME: &'static str = "hello";
    const FUNCTION: &'static str = concat!(module_path!(), "::hello");
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum main {}

impl ::seaworthy::CloudService for main {
    const ABOUT: ::seaworthy::About = ::seaworthy::About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        description: "Greets people by their names.",
    };
    type Config = Config;
    type Output = Result<Service<App>>;
    fn parts() -> ::seaworthy::Parts<Self> {
        mod unmarked {
            pub enum greeting {}
            pub enum idle {}
        }
        use unmarked::{greeting as Greeting, idle as Idle};
        {
            #[allow(unused_imports)]
            use {greeting as Greeting, idle as Idle};
            ::seaworthy::Parts::<Self>::new().ready::<Greeting>().worker::<Idle>()
        }
    }
    async fn start(config: Config) -> Result<Service<App>> {
        let app = App { config: Arc::new(config) };
        Ok(Service::new(app).http(Router::new().route("/hello/{name}", get(hello))))
    }
}

fn main() -> ::std::process::ExitCode {
    ::seaworthy::run::<main>()
}
