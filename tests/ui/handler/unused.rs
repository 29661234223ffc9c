#![deny(dead_code)]

use seaworthy::prelude::*;

#[handler]
async fn hello() {}

fn main() {}
