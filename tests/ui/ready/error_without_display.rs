use seaworthy::prelude::*;

struct Down;

#[ready]
async fn sessions() -> Result<(), Down> {
    Err(Down)
}

fn main() {}
