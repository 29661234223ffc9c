#![deny(warnings)]

use std::time::Duration;

use seaworthy::prelude::*;

async fn work() {}

#[handler]
async fn allowed() -> StatusCode {
    // seaworthy: allow(SW029) the client asks again
    tokio::time::sleep(Duration::from_secs(25)).await;
    StatusCode::OK
}

/// A wait that fits, one inside of it, and one that a shutdown ends.
#[handler]
async fn innocent(State(shutdown): State<tokio_shutdown::Shutdown>) -> StatusCode {
    let inside = async { tokio::time::sleep(Duration::from_secs(60)).await };
    _ = inside;
    tokio::select! {
        _ = tokio::time::timeout(Duration::from_secs(20), work()) => {}
        () = shutdown.begun() => {}
    }
    StatusCode::OK
}

#[handler]
async fn fits() -> StatusCode {
    _ = tokio::time::timeout(Duration::from_secs(20), async { tokio::time::sleep(Duration::from_secs(60)).await });
    StatusCode::OK
}

/// No handler, and not cut.
async fn elsewhere() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}

mod tokio_shutdown {
    #[derive(Clone)]
    pub struct Shutdown;

    impl Shutdown {
        pub async fn begun(&self) {}
    }
}

#[cloud_service(drain = "20s", grace = "33s", ready(none))]
async fn service() -> Service<tokio_shutdown::Shutdown> {
    let router = Router::new().route("/", get(allowed)).route("/innocent", get(innocent)).route("/fits", get(fits));
    Service::new(tokio_shutdown::Shutdown).http(router)
}

seaworthy::audit!();

fn main() {
    _ = service;
    _ = elsewhere;
}
