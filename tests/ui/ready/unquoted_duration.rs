use seaworthy::prelude::*;

#[ready(every = 500ms)]
async fn sessions() {}

fn main() {}
