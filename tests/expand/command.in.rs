use std::fmt::Error;

use seaworthy::prelude::*;

#[derive(Clone)]
struct Database;

/// Brings the tables up to date.
#[command]
async fn migrate(State(_database): State<Database>, _shutdown: Shutdown) -> Result<(), Error> {
    Ok(())
}

#[command]
async fn say_nothing() {}
