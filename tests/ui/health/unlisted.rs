#![deny(dead_code)]

use seaworthy::prelude::*;

#[health]
fn alive() {}

fn main() {}
