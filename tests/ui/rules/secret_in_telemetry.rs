use seaworthy::{metrics, prelude::*, tracing};
use tracing::info as say;

#[handler(fields(user.name = name, user.password = password))]
async fn mistake(Path((name, password)): Path<(String, String)>) -> StatusCode {
    _ = (name, password);
    StatusCode::OK
}

#[handler]
async fn by_alias(token: String) -> StatusCode {
    say!(%token, "logs in");
    StatusCode::OK
}

#[worker]
async fn inside_of_macro(State(url): State<Secret<Url>>) {
    tokio::select! {
        () = std::future::ready(()) => {
            tracing::warn!("{} does not answer", url.expose());
        }
    }
}

#[ready]
async fn in_label(State(api_key): State<String>) -> bool {
    metrics::counter!("checks_total", "client" => api_key.clone()).increment(1);
    tracing::Span::current().record("password", "x".to_owned().as_str());
    tracing::Span::current().record("password", api_key.as_str());
    true
}

fn main() {}
