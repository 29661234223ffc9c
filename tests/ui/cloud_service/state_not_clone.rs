use seaworthy::prelude::*;

struct App;

#[cloud_service(ready(none))]
async fn main() -> Service<App> {
    Service::new(App)
}
