use seaworthy::prelude::*;

#[cloud_service]
async fn main() -> Result<()> {
    Ok(())
}
