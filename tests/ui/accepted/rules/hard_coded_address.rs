#![deny(warnings)]

use seaworthy::{http_client::HttpClient, prelude::*, tracing};
use tokio::net::TcpListener;

#[handler(allow(SW023, reason = "each of our clusters has it by this name"))]
async fn allowed(State(http): State<HttpClient>) {
    _ = http.get("http://gateway.mesh.svc/ready").send().await;
}

/// What only names something, what is logged or compared, another container of the pod, and what is put together.
#[handler]
async fn innocent(Path(host): Path<String>, State(http): State<HttpClient>) -> String {
    let problem = "https://example.com/problems/stock";
    let schema = "http://json-schema.org/draft-07/schema";
    tracing::info!("see http://localhost:8080/docs");
    if host == "localhost:8080" || host.starts_with("http://") {
        return format!("http://{host}:8080/{problem}");
    }
    _ = TcpListener::bind("127.0.0.1:8080").await;
    _ = http.get("http://localhost:15000/ready").send().await;
    schema.to_owned()
}

fn main() {
    _ = (allowed, innocent);
}
