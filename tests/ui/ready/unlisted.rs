#![deny(warnings)]

use seaworthy::prelude::*;

#[ready]
async fn sessions() {}

fn main() {}
