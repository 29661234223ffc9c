#![deny(warnings)]

use seaworthy::prelude::*;
use tracing::Instrument;

#[handler(allow(SW002, reason = "its fields are those of our other services"))]
#[tracing::instrument]
async fn allowed() {}

/// A span for a part of the work, which is another thing than a second one for all of it.
#[handler]
async fn innocent() {
    part().instrument(tracing::info_span!("part")).await;
}

#[tracing::instrument]
async fn part() {}

fn main() {
    _ = (allowed(), innocent());
}
