use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = "hunter2")]
    password: Secret<String>,
    /// By a path, optional, and not written as a text.
    #[config(default = Some(Secret::from(String::from("hunter2"))))]
    token: Option<seaworthy::Secret<String>>,
    /// A password inside of something else.
    #[config(default = "https://ada:hunter2@prices.example.com/v1?currency=EUR")]
    prices: Option<Url>,
}

fn main() {}
