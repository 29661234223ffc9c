use seaworthy::prelude::*;

#[command(name = "move")]
fn check<'a>(database: &'a str, _one: Shutdown, _other: Shutdown) -> ! {
    loop {}
}

fn main() {}
