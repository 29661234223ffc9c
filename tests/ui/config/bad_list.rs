use seaworthy::prelude::*;

#[config(env)]
struct Config {
    #[config(default = "80, 443, http")]
    ports: Vec<u16>,
    #[config(default = "a,,b")]
    words: Option<std::collections::HashSet<String>>,
    #[config(default = "10s,5")]
    pauses: Vec<std::time::Duration>,
}

fn main() {}
