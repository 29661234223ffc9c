use seaworthy::prelude::*;

use std::rc::Rc;

#[cloud_service]
async fn main() -> Router {
    let held = Rc::new(());
    std::future::ready(()).await;
    drop(held);
    Router::new()
}
