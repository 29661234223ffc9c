use seaworthy::prelude::*;

#[cloud_service(ready(none, sessions), workers = "expire", healt(alive), name = 3)]
#[tokio::main]
const fn main<T>(_config: &str, _other: T) {}
