use seaworthy::prelude::*;

#[ready]
#[async_trait::async_trait]
async fn mistake() {}

#[handler]
#[async_trait(?Send)]
async fn by_its_last_name() {}

mod inside {
    use seaworthy::prelude::*;

    #[health]
    #[::async_trait::async_trait]
    pub(crate) async fn nested() {}
}

#[cloud_service(ready(mistake), health(inside::nested))]
async fn service() -> Router {
    Router::new().route("/", get(by_its_last_name))
}

fn main() {}
