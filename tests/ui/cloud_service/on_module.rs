use seaworthy::prelude::*;

#[cloud_service]
mod service {}

fn main() {}
