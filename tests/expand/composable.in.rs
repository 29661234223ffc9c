use seaworthy::prelude::*;

mod checks {
    pub async fn unmarked() {}
}

/// Answers no one.
#[cloud_service(ready(none), name = "silence")]
pub async fn silent(_config: ()) -> Service<u8> {
    checks::unmarked().await;
    Service::new(0)
}
