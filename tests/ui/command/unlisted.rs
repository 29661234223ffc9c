#![deny(dead_code)]

use seaworthy::prelude::*;

#[command]
async fn migrate() {}

fn main() {}
