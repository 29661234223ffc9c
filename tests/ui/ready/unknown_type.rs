use seaworthy::prelude::*;

#[ready]
async fn sessions(State(_redis): State<Rediss>) -> Result<(), Eror> {
    Ok(())
}

fn main() {}
