#![deny(warnings)]

/// A service whose files are looked at by somebody else.
#[allow(dead_code)]
mod service {
    use seaworthy::prelude::*;

    #[cloud_service(audit = false)]
    async fn main() -> Router {
        start();
        Router::new()
    }

    fn start() {
        tokio::spawn(async {});
    }
}

fn main() {}
