use seaworthy::prelude::*;

use std::rc::Rc;

#[ready]
async fn sessions() {
    let held = Rc::new(());
    std::future::ready(()).await;
    drop(held);
}

fn main() {}
