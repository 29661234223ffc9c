seaworthy::audit!();

use seaworthy::{axum, axum as web, prelude::*};
use tokio::net::TcpListener;

#[worker]
async fn mistake() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    axum::serve(listener, Router::new()).await
}

#[worker]
async fn by_alias() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    web::serve(listener, Router::new()).await
}

#[worker]
async fn inside_of_macro(shutdown: Shutdown) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    tokio::select! {
        served = async {
            use axum::serve as run;
            run(listener, Router::new()).await
        } => served,
        () = shutdown => Ok(()),
    }
}

async fn elsewhere(listener: TcpListener) {
    _ = axum::serve(listener, Router::new()).await;
}

fn main() {
    _ = elsewhere;
    _ = (mistake(), by_alias());
    _ = inside_of_macro;
}
