#![deny(warnings)]

seaworthy::audit!();

use seaworthy::{
    axum::{
        body::{Body, to_bytes},
        extract::{DefaultBodyLimit, Request},
        middleware::Next,
        response::Response,
    },
    prelude::*,
};

#[handler(allow(SW016, reason = "the proxy before it has a limit"))]
async fn allowed(body: Body) {
    _ = to_bytes(body, usize::MAX).await;
}

fn allowed_elsewhere() -> Router {
    // seaworthy: allow(SW016) what is uploaded goes on as it comes
    Router::new().layer(DefaultBodyLimit::disable())
}

#[handler]
async fn innocent(body: Body) {
    _ = to_bytes(body, 1024 * 1024).await;
}

/// The body of an answer is as large as the service made it.
async fn answered(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    Response::from_parts(parts, Body::from(bytes))
}

#[cfg(test)]
mod tests {
    async fn test(body: super::Body) {
        _ = super::to_bytes(body, usize::MAX).await;
    }
}

fn main() {
    _ = (allowed_elsewhere(), answered);
    _ = (allowed, innocent);
    _ = Router::<()>::new().layer(DefaultBodyLimit::max(1024));
}
