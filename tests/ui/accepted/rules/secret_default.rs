#![deny(warnings)]

use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = "guest", allow(SW007, reason = "the broker's own for tests, and refused by others"))]
    broker_password: Secret<String>,
    /// A user without a password, and an address in the query.
    #[config(default = "https://guest@prices.example.com/v1?by=ada:b@example.com")]
    prices: Url,
}

fn main() {
    let read = |Config { broker_password, prices }: Config| (broker_password, prices);
    _ = read;
}
