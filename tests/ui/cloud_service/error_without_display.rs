use seaworthy::prelude::*;

struct Broken;

#[cloud_service]
async fn main() -> Result<Router, Broken> {
    Err(Broken)
}
