#![deny(warnings)]

seaworthy::audit!();

use std::future::Future;

use seaworthy::{axum, prelude::*};
use tokio::net::TcpListener;

#[worker(allow(SW011, reason = "it only tells the way to the port of the service"))]
async fn allowed() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    axum::serve(listener, Router::new()).await
}

async fn allowed_elsewhere(listener: TcpListener) {
    // seaworthy: allow(SW011) it only tells the way to the port of the service
    _ = axum::serve(listener, Router::new()).await;
}

async fn serve(_: Router) {}

/// What serves by the name alone, and routers that are given to the runtime: its own, and one of another library.
async fn innocent() -> Service<u8> {
    let others: Router<()> = Router::new();
    serve(Router::new()).await;
    Service::new(7).http(Router::new()).http(others.with_state(()))
}

#[cfg(test)]
mod tests {
    async fn test(listener: tokio::net::TcpListener) {
        _ = axum::serve(listener, super::Router::new()).await;
    }
}

fn ignore<A, F: Future>(_: fn(A) -> F) {}

fn main() {
    ignore(allowed_elsewhere);
    _ = allowed();
    _ = innocent();
}
