seaworthy::audit!();

use seaworthy::{
    axum::{
        self,
        body::{Body, to_bytes as read},
        extract::{DefaultBodyLimit as Limit, Request},
    },
    prelude::*,
};

#[handler]
async fn mistake(body: Body) -> StatusCode {
    match axum::body::to_bytes(body, usize::MAX).await {
        Ok(_) => StatusCode::CREATED,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

#[handler]
async fn by_alias(request: Request) {
    let (_parts, body) = request.into_parts();
    _ = read(body, std::usize::MAX).await;
}

#[handler]
async fn inside_of_macro(body: Body) {
    tokio::select! {
        _ = async { axum::body::to_bytes(body, usize::MAX).await } => {}
    }
}

fn elsewhere() -> Router {
    Router::new().route("/", post(mistake)).layer(Limit::disable())
}

fn main() {
    elsewhere();
    _ = (by_alias, inside_of_macro);
}
