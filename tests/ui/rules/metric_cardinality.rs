seaworthy::audit!();

use seaworthy::{
    metrics::{self, counter as count},
    prelude::*,
};

#[handler]
async fn mistake(Path(user_id): Path<u64>) -> StatusCode {
    metrics::counter!("orders_total", "kind" => "paid", "user_id" => user_id.to_string()).increment(1);
    StatusCode::OK
}

#[handler]
async fn by_alias(Path(email): Path<String>) -> StatusCode {
    count!("orders_total", "email" => email).increment(1);
    StatusCode::OK
}

#[worker]
async fn inside_of_macro(State(peer): State<String>) {
    tokio::select! {
        () = std::future::ready(()) => {
            seaworthy::metrics::gauge!("peers", "client.ip" => peer).set(1);
        }
    }
}

fn elsewhere(uri: &seaworthy::axum::http::Uri) {
    metrics::histogram!("sizes", "path" => uri.path().to_owned()).record(1);
}

fn main() {
    elsewhere(&Default::default());
}
