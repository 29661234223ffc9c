use seaworthy::prelude::*;

#[derive(Clone)]
struct App;

#[cloud_service]
async fn main() -> Result<App> {
    Ok(App)
}
