use seaworthy::prelude::*;

#[ready]
async fn sessions()
where
    String: Clone,
{
}

fn main() {}
