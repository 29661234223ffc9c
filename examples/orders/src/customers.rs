//! Who orders: a session for each customer that signed in.

use seaworthy::{
    prelude::*,
    redis::{Begun, Ended, Session, Sessions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{App, refusal::Refusal};

/// A customer, as its session knows it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Customer {
    /// What the customer is called.
    #[schema(example = "ada", min_length = 1, max_length = 100)]
    pub(crate) name: String,
}

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/session", post(sign_in).delete(sign_out))
}

/// Signs a customer in. There is no password: a real service would ask an identity provider who it is.
#[utoipa::path(
    post,
    path = "/session",
    request_body = Customer,
    responses(
        (status = 204, description = "A cookie is set"),
        (status = 422, description = "That is no name"),
        (status = 503, description = "Sessions are not available"),
    )
)]
#[handler]
pub(crate) async fn sign_in(
    State(sessions): State<Sessions>,
    Json(customer): Json<Customer>,
) -> Result<(Begun, StatusCode), Refusal> {
    if customer.name.is_empty() || customer.name.chars().count() > 100 {
        return Err(Refusal::Invalid("a name has 1 to 100 characters"));
    }
    let begun = sessions.begin(&customer).await?;
    Ok((begun, StatusCode::NO_CONTENT))
}

/// Signs the customer out.
#[utoipa::path(
    delete,
    path = "/session",
    responses((status = 204, description = "The session is over"), (status = 401, description = "Nobody is signed in"))
)]
#[handler]
pub(crate) async fn sign_out(session: Session<Customer>) -> Result<(Ended, StatusCode), Refusal> {
    Ok((session.end().await?, StatusCode::NO_CONTENT))
}
