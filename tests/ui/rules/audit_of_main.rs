use seaworthy::prelude::*;

#[path = "audited/jobs.rs"]
mod jobs;

#[cloud_service]
async fn main() -> Router {
    jobs::start();
    Router::new()
}
