#![deny(dead_code)]

use seaworthy::prelude::*;

#[worker]
async fn expire(_shutdown: Shutdown) {}

fn main() {}
