#![deny(warnings)]

seaworthy::audit!();

use seaworthy::{axum::extract::MatchedPath, metrics, prelude::*};

#[handler(allow(SW027, reason = "there are three users"))]
async fn allowed(Path(user): Path<String>) -> StatusCode {
    metrics::counter!("orders_total", "user" => user).increment(1);
    StatusCode::OK
}

fn allowed_elsewhere(id: u64) {
    // seaworthy: allow(SW027) at most eight
    metrics::gauge!("lifts", "id" => id.to_string()).set(1);
}

/// Labels of which there are few.
#[handler]
async fn innocent(path: MatchedPath, State(kind): State<String>) -> StatusCode {
    metrics::counter!("requests_total", "path" => path.as_str().to_owned(), "kind" => kind.clone()).increment(1);
    metrics::counter!("requests_total", "user" => "system", "shard_id" => "1", "tenant" => kind).increment(1);
    StatusCode::OK
}

fn main() {
    allowed_elsewhere(1);
    _ = allowed;
    _ = innocent;
}
