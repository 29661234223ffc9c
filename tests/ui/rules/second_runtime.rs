use seaworthy::prelude::*;
#[allow(unused_imports)]
use tokio as rt;

#[ready]
#[tokio::main]
async fn mistake() {}

#[handler]
#[rt::main(flavor = "current_thread")]
async fn by_alias() {}

mod inside {
    use seaworthy::prelude::*;

    #[tokio::main]
    #[worker]
    pub(crate) async fn above() {}
}

#[cloud_service(ready(mistake), workers(inside::above))]
async fn service() -> Router {
    Router::new().route("/", get(by_alias))
}

fn main() {}
