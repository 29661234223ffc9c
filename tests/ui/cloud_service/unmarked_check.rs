use seaworthy::prelude::*;

async fn sessions() {}

mod checks {
    pub async fn queue() {}
}

#[cloud_service(ready(sessions, checks::queue))]
async fn main() -> Router {
    Router::new()
}
