use seaworthy::prelude::*;

#[config(env)]
struct Primary {
    host: String,
}

#[config(env)]
struct Replica {
    #[config(default = "localhost")]
    host: String,
}

#[config(env)]
struct Config {
    #[config(flatten, env = "DB")]
    primary: Primary,
    #[config(flatten, env = "DB")]
    replica: Replica,
}

fn main() {}
