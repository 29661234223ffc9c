//! Shipping: what is in the outbox is shipped exactly once, whichever replica does it.

use std::time::Duration;

use seaworthy::{metrics, postgres::Postgres, prelude::*, redis::Lease};

/// How many orders one transaction ships.
const BATCH: i64 = 100;

/// How long to wait when there is nothing to ship.
#[derive(Clone, Copy)]
pub(crate) struct Interval(pub(crate) Duration);

/// Ships what is in the outbox, together with the workers of the other replicas.
///
/// `for update skip locked` gives each order to one of them, and leaving the outbox is the same transaction as being
/// shipped: a worker that is killed in between has done neither. What is shipped is a row here; a parcel service would be
/// called with the order's id, and has to know a repeated one.
#[worker(backoff = "200ms..5s")]
pub(crate) async fn ship(
    State(db): State<Postgres>,
    State(Interval(interval)): State<Interval>,
    mut shutdown: Shutdown,
) -> Result<()> {
    while !shutdown.has_begun() {
        let mut transaction = db.begin().await?;
        let shipped = sqlx::query(
            "with taken as (
                 delete from outbox where id in (
                     select id from outbox order by id limit $1 for update skip locked
                 ) returning order_id
             )
             insert into shipments (order_id, shipped_by) select order_id, $2 from taken",
        )
        .bind(BATCH)
        .bind(std::process::id().to_string())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        transaction.commit().await?;
        metrics::counter!("orders_shipped_total").increment(shipped);
        if shipped == 0 {
            tokio::select! {
                () = &mut shutdown => {}
                () = tokio::time::sleep(interval) => {}
            }
        }
    }
    Ok(())
}

/// Counts what waits in the outbox: one replica at a time, since all would count the same.
#[worker(backoff = "1s..10s")]
pub(crate) async fn count(State(db): State<Postgres>, State(lease): State<Lease>, shutdown: Shutdown) -> Result<()> {
    lease
        .lead(shutdown, async |_term| {
            let waiting = metrics::gauge!("orders_waiting");
            loop {
                let (count,): (i64,) = sqlx::query_as("select count(*) from outbox").fetch_one(&db).await?;
                waiting.set(count as f64);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
        .await
}
