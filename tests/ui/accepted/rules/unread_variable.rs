#![deny(warnings)]

seaworthy::audit!();

use seaworthy::prelude::*;

#[config(env)]
pub struct Config {
    pub greeting: Option<String>,
    // seaworthy: allow(SW031) the dashboard of the old version sets it
    pub colour: Option<String>,
    pub _kept: Option<String>,
    #[config(skip)]
    pub counted: u8,
    #[config(flatten)]
    pub cache: Cache,
    pub destructured: Option<u8>,
}

#[config(env)]
pub struct Cache {
    /// Read in another struct's name only, which is enough.
    pub lifetime: Option<String>,
}

pub struct Session<'a> {
    pub lifetime: &'a str,
}

#[cloud_service]
async fn service(config: Config) -> Router {
    let Config { greeting, destructured: Some(_), .. } = config else {
        return Router::new();
    };
    Router::new().route("/", get(async || greeting.unwrap_or_default()))
}

fn main() {
    _ = service;
}
