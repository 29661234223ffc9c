#![deny(warnings)]

use std::fmt::Write as _;

use seaworthy::{prelude::*, tracing};

#[handler(allow(SW014, reason = "it is a service for people at a terminal"))]
async fn allowed() {
    println!("an order came in");
}

/// What writes to something else, and what is logged.
#[handler]
async fn innocent() -> String {
    tracing::info!("println!");
    let mut answer = String::new();
    _ = writeln!(answer, "an order came in");
    answer
}

/// A command of a program prints.
fn not_annotated() {
    print!("");
    eprint!("");
}

fn main() {
    not_annotated();
    _ = (allowed(), innocent());
}
