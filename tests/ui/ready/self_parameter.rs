use seaworthy::prelude::*;

struct Checks;

impl Checks {
    #[ready]
    async fn sessions(&self) {}
}

fn main() {}
