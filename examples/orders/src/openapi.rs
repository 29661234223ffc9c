//! The description of the service, made of what stands above its handlers.

use seaworthy::prelude::*;
use utoipa::OpenApi;

use crate::{App, customers, orders};

#[derive(OpenApi)]
#[openapi(
    info(title = "Orders", description = "Takes orders, once each, and ships them, once each."),
    paths(customers::sign_in, customers::sign_out, orders::place, orders::show)
)]
struct Description;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/openapi.json", get(describe))
}

async fn describe() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
