use seaworthy::prelude::*;

#[derive(Clone)]
struct Database;

#[derive(Clone)]
struct App;

#[command]
async fn migrate(State(_database): State<Database>) {}

#[cloud_service(ready(none), commands(migrate))]
async fn main() -> Service<App> {
    Service::new(App)
}
