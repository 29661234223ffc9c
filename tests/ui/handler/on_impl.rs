use seaworthy::prelude::*;

struct Greeter;

#[handler]
impl Greeter {
    async fn hello(&self) {}
}

fn main() {}
