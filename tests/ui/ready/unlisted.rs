#![deny(dead_code)]

use seaworthy::prelude::*;

#[ready]
async fn sessions() {}

fn main() {}
