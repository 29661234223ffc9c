#![deny(warnings)]

use seaworthy::{CloudService, prelude::*};

/// Three times that fit, and one that has nothing to do with them.
#[cloud_service(lame_duck = "10s", drain = "20s", grace = "38s", request_timeout = "2m")]
async fn greeter() -> Router {
    Router::new()
}

mod of_the_manifest {
    use seaworthy::prelude::*;

    #[cloud_service(drain = "40s", allow(SW030, reason = "every manifest says TERMINATION_GRACE"))]
    pub(super) async fn service() -> Router {
        Router::new()
    }
}

fn main() {
    _ = of_the_manifest::service;
    let expected = [
        ("LAME_DUCK", "10s"),
        ("DRAIN_TIMEOUT", "20s"),
        ("TERMINATION_GRACE", "38s"),
        ("REQUEST_TIMEOUT", "2m"),
    ];
    assert_eq!(greeter::DEFAULTS, expected);
}
