use seaworthy::prelude::*;

#[ready]
async fn sessions<T: Clone + Send + Sync>(State(_part): State<T>) {}

fn main() {}
