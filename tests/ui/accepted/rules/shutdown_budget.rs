#![deny(warnings)]

use seaworthy::{CloudService, prelude::*};

/// Three times that fit, and one that has nothing to do with them.
#[cloud_service(lame_duck = "10s", drain = "20s", grace = "38s", request_timeout = "2m")]
async fn greeter() -> Router {
    Router::new()
}

fn main() {
    let expected = [
        ("LAME_DUCK", "10s"),
        ("DRAIN_TIMEOUT", "20s"),
        ("TERMINATION_GRACE", "38s"),
        ("REQUEST_TIMEOUT", "2m"),
    ];
    assert_eq!(greeter::DEFAULTS, expected);
}
