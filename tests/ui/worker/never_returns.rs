use seaworthy::prelude::*;

#[worker]
async fn expire() -> ! {
    loop {}
}

fn main() {}
