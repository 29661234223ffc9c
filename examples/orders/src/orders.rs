//! Orders: placed once each, whatever is repeated.

use seaworthy::{
    metrics,
    postgres::Postgres,
    prelude::*,
    redis::{Idempotency, IdempotencyKey, RateLimit, Session},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{App, customers::Customer, refusal::Refusal};

/// What a customer orders.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewOrder {
    /// What is ordered.
    #[schema(example = "kettle", min_length = 1, max_length = 100)]
    item: String,
    /// How many.
    #[schema(example = 2, minimum = 1, maximum = 1000)]
    quantity: i32,
}

/// An order that was placed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Order {
    /// Its id.
    id: String,
    item: String,
    quantity: i32,
    /// Whether it was shipped.
    shipped: bool,
}

type Row = (String, String, i32, bool);

pub(crate) fn routes(idempotency: Idempotency) -> Router<App> {
    Router::new().route("/orders", post(place).layer(idempotency)).route("/orders/{id}", get(show))
}

/// Places an order. Repeated with the same key, it is the same order.
#[utoipa::path(
    post,
    path = "/orders",
    request_body = NewOrder,
    params(("Idempotency-Key" = String, Header, description = "Names this order among the customer's", max_length = 255)),
    responses(
        (status = 201, description = "The order was placed, now or before", body = Order),
        (status = 400, description = "The key is missing or malformed"),
        (status = 401, description = "Nobody is signed in"),
        (status = 409, description = "The first request with this key has not ended yet"),
        (status = 422, description = "The order is not valid, or the key was used for another one"),
        (status = 429, description = "The customer places too many"),
        (status = 503, description = "Orders can't be placed now"),
    )
)]
#[handler(fields(order.item = order.item, order.quantity = order.quantity))]
pub(crate) async fn place(
    State(db): State<Postgres>,
    State(rate): State<RateLimit>,
    customer: Session<Customer>,
    key: IdempotencyKey,
    Json(order): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), Refusal> {
    let NewOrder { item, quantity } = order;
    if !(1..=1000).contains(&quantity) || !(1..=100).contains(&item.chars().count()) {
        return Err(Refusal::Invalid("an item has 1 to 100 characters, and a quantity is 1 to 1000"));
    }
    rate.check(&customer.name).await?;

    // The order and its place in the outbox are one statement, so that there is never one without the other.
    let placed: Option<Row> = sqlx::query_as(
        "with placed as (
             insert into orders (customer, item, quantity, idempotency_key) values ($1, $2, $3, $4)
             on conflict (customer, idempotency_key) do nothing
             returning id, item, quantity
         ), queued as (
             insert into outbox (order_id) select id from placed
         )
         select id::text, item, quantity, false from placed",
    )
    .bind(&customer.name)
    .bind(&item)
    .bind(quantity)
    .bind(key.as_str())
    .fetch_optional(&db)
    .await?;
    if let Some(placed) = placed {
        metrics::counter!("orders_placed_total").increment(1);
        return Ok((StatusCode::CREATED, Json(placed.into())));
    }
    // Placed before, by a request whose answer Redis doesn't have: the replica or Redis was lost in between.
    let before: Row = sqlx::query_as(
        "select id::text, item, quantity, exists (select from shipments where order_id = id)
         from orders where customer = $1 and idempotency_key = $2",
    )
    .bind(&customer.name)
    .bind(key.as_str())
    .fetch_one(&db)
    .await?;
    if (before.1.as_str(), before.2) != (item.as_str(), quantity) {
        return Err(Refusal::Invalid("the key was used for another order"));
    }
    Ok((StatusCode::CREATED, Json(before.into())))
}

/// Shows an order of the customer.
#[utoipa::path(
    get,
    path = "/orders/{id}",
    params(("id" = String, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order", body = Order),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The customer has no such order"),
        (status = 503, description = "Orders can't be shown now"),
    )
)]
#[handler]
pub(crate) async fn show(
    State(db): State<Postgres>,
    customer: Session<Customer>,
    Path(id): Path<String>,
) -> Result<Json<Order>, Refusal> {
    let found: Option<Row> = sqlx::query_as(
        "select id::text, item, quantity, exists (select from shipments where order_id = id)
         from orders where id::text = $1 and customer = $2",
    )
    .bind(&id)
    .bind(&customer.name)
    .fetch_optional(&db)
    .await?;
    found.map(|row| Json(row.into())).ok_or(Refusal::NotFound)
}

impl From<Row> for Order {
    fn from((id, item, quantity, shipped): Row) -> Self {
        Self { id, item, quantity, shipped }
    }
}
