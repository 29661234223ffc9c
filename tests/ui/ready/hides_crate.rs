use seaworthy::prelude::*;

#[ready]
async fn redis() -> Result<(), redis::RedisError> {
    Ok(())
}

fn main() {}
