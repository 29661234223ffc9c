use seaworthy::prelude::*;

#[derive(Clone)]
struct App;

#[derive(Clone)]
struct Redis;

#[ready]
async fn sessions(State(_redis): State<Redis>) {}

#[cloud_service(ready(sessions))]
async fn main() -> Service<App> {
    Service::new(App)
}
