use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = "example.com/orders")]
    orders: Url,
    #[config(default = "localhost:8080")]
    other: Option<Url>,
}

fn main() {}
