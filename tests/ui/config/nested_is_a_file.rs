use seaworthy::prelude::*;

#[config(env)]
struct Tls {
    file: std::path::PathBuf,
}

#[config(env)]
struct Config {
    tls: Option<Secret<String>>,
    #[config(flatten, env = "TLS")]
    files: Tls,
}

fn main() {}
