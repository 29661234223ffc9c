#![deny(warnings)]

use seaworthy::{prelude::*, tracing};

#[handler(fields(user.token = mask(&token)), allow(SW026, reason = "tokens of the sandbox, which are public"))]
async fn allowed(token: String) -> StatusCode {
    tracing::info!(%token, "logs in");
    StatusCode::OK
}

/// What says nothing of the secret itself.
#[handler(fields(token.length = token.len()))]
async fn innocent(State(url): State<Secret<Url>>, token: String) -> StatusCode {
    let has_password = url.expose().password().is_some();
    let page_token = 3;
    tracing::info!(has_password, page_token, token = mask(&token), "logs in");
    tracing::info!(host = ?url.expose().host_str(), secret = %"database", "connects");
    if token.is_empty() {
        drop(format!("{token}"));
    }
    StatusCode::OK
}

fn mask(token: &str) -> &str {
    token.get(..2).unwrap_or_default()
}

fn main() {
    _ = allowed;
    _ = innocent;
}
