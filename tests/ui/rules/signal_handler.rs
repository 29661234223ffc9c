seaworthy::audit!();

use seaworthy::prelude::*;
use tokio::signal::unix as signals;

async fn send_mails() {}

#[cloud_service]
async fn mistake() -> Router {
    _ = tokio::signal::ctrl_c().await;
    Router::new()
}

#[worker]
async fn inside_of_macro() {
    tokio::select! {
        () = send_mails() => {}
        _ = async {
            use tokio::signal::ctrl_c as stop;
            stop().await
        } => {}
    }
}

async fn by_alias_elsewhere() {
    if let Ok(mut terminate) = signals::signal(signals::SignalKind::terminate()) {
        terminate.recv().await;
    }
}

fn main() {
    _ = (mistake(), inside_of_macro(), by_alias_elsewhere());
}
