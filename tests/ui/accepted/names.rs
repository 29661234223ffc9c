//! Functions may be called what the macros call their own.

#![deny(warnings)]

use seaworthy::prelude::*;

#[derive(Clone)]
struct S;

#[derive(Clone, FromRef)]
struct App {
    s: S,
}

#[ready]
async fn state(State(_s): State<S>) {}

#[ready]
async fn output(State(_app): State<App>) -> StatusCode {
    StatusCode::OK
}

#[worker]
async fn shutdown(shutdown: Shutdown) {
    shutdown.await
}

#[handler(fields(span))]
async fn span(Path(span): Path<String>) -> String {
    let describe = span.clone();
    describe + &span
}

#[cloud_service(ready(state, output), workers(shutdown))]
async fn service() -> Service<App> {
    Service::new(App { s: S }).http(Router::new().route("/{span}", get(span)))
}

fn main() {
    let _ = <service as seaworthy::CloudService>::parts();
}
