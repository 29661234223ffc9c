use seaworthy::prelude::*;

#[derive(Clone)]
struct App;

#[derive(Clone)]
struct Redis;

#[worker]
async fn expire(State(_redis): State<Redis>) {}

#[cloud_service(ready(none), workers(expire))]
async fn main() -> Service<App> {
    Service::new(App)
}
