use seaworthy::prelude::*;

#[worker(restart = "onfailure")]
async fn expire() {}

fn main() {}
