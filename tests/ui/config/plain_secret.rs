use seaworthy::prelude::*;

#[config(env)]
struct Config {
    /// Opens the database.
    #[config(default = "hunter2")]
    database_password: String,
}

fn main() {}
