use seaworthy::prelude::*;

struct Greeter;

impl Greeter {
    #[handler]
    async fn hello(&self) {}
}

fn main() {}
