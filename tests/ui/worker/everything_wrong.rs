use seaworthy::prelude::*;

#[worker(restart = "sometimes", backoff = "1s..2", retry = 3)]
fn expire<'a>(redis: &'a str, _one: Shutdown, _other: Shutdown) -> ! {
    loop {}
}

fn main() {}
