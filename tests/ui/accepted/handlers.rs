//! What a handler may be.

#![deny(warnings)]

use std::fmt::Display;

use seaworthy::{axum::response::IntoResponse, prelude::*};

struct Opaque;

impl IntoResponse for Opaque {
    fn into_response(self) -> seaworthy::axum::response::Response {
        StatusCode::BAD_REQUEST.into_response()
    }
}

type Answer<T> = std::result::Result<T, Opaque>;

/// An error that shows nothing, behind an alias.
#[handler]
async fn aliased() -> Answer<String> {
    Err(Opaque)
}

/// Early returns, `?` and owned parameters.
#[handler(name = "try", fields(user.name = name, name, name.len = name.len()))]
async fn fallible(Path(mut name): Path<String>) -> Result<Json<String>> {
    if name.is_empty() {
        return Ok(Json(name));
    }
    name.push_str(std::str::from_utf8(b"!")?);
    Ok(Json(name))
}

#[handler]
async fn generic<T>(State(value): State<T>) -> impl IntoResponse
where
    T: Clone + Display + Send + Sync + 'static,
{
    value.to_string()
}

#[handler]
pub(crate) async fn streams(shutdown: Shutdown) {
    shutdown.await
}

#[cloud_service(ready(none))]
async fn service() -> Service<u8> {
    Service::new(0).http(
        Router::new()
            .route("/", get(aliased).post(fallible))
            .route("/generic", get(generic::<u8>))
            .route("/streams", get(streams)),
    )
}

fn main() {
    let _ = <service as seaworthy::CloudService>::parts();
}
