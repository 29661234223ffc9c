use std::string::String as Text;

use seaworthy::prelude::*;

#[config(env)]
struct Config {
    database_password: String,
    /// By a path, and optional.
    api_key: Option<std::string::String>,
    /// The field's name counts, whatever its variable is called.
    #[config(env = "SIGNATURE")]
    r#signing_key: String,
    /// An alias is another type to the rule.
    other_password: Text,
}

fn main() {}
