//! Lists take names and paths, of functions in modules and in the body of a function, and types a person wrote.

#![deny(warnings)]

use seaworthy::{Check, Liveness, Outcome, prelude::*};

mod checks {
    use seaworthy::prelude::*;

    #[ready]
    pub async fn queue() {}

    pub mod sessions {
        use seaworthy::prelude::*;

        #[ready]
        pub async fn sessions() {}
    }
}

use checks::sessions;

struct Alive;

impl Liveness for Alive {
    const CHECK: Check = Check::new("alive", "");

    async fn check() -> Outcome {
        Ok(())
    }
}

mod maintenance {
    use seaworthy::prelude::*;

    #[command]
    pub async fn clean_up() -> Result<()> {
        Ok(())
    }
}

#[worker]
async fn r#loop(shutdown: Shutdown) {
    shutdown.await
}

#[cloud_service(
    health(Alive),
    ready(checks::queue, crate::checks::sessions::sessions, sessions::sessions),
    workers(r#loop),
    commands(maintenance::clean_up),
    name = "listed"
)]
async fn service() -> Router {
    #[ready]
    async fn local() -> bool {
        true
    }

    #[cloud_service(ready(local))]
    async fn inner() -> Router {
        Router::new()
    }

    let _ = <inner as seaworthy::CloudService>::parts();
    Router::new()
}

fn main() {
    let _ = <service as seaworthy::CloudService>::parts();
}
