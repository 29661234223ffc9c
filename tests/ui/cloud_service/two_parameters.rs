use seaworthy::prelude::*;

#[cloud_service]
async fn main(_one: (), _other: ()) -> Router {
    Router::new()
}
