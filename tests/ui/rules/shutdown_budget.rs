use seaworthy::prelude::*;

#[cloud_service(drain = "30s")]
async fn main() -> Router {
    Router::new()
}

mod by_grace {
    use seaworthy::{cloud_service as service, prelude::*};

    #[service(lame_duck = "25s", grace = "30s")]
    async fn other() -> Router {
        Router::new()
    }
}
