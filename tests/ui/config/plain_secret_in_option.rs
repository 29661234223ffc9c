use seaworthy::prelude::*;

#[config(env)]
struct Config {
    r#api_key: Option<std::string::String>,
}

fn main() {}
