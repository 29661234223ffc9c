seaworthy::audit!();

use std::sync::mpsc as channels;

use seaworthy::prelude::*;

#[worker]
async fn mistake() {
    let (_orders, mut waiting) = tokio::sync::mpsc::unbounded_channel::<String>();
    waiting.recv().await;
}

#[handler]
async fn by_alias() {
    let (orders, _waiting) = channels::channel();
    _ = orders.send(1);
}

#[worker]
async fn inside_of_macro() {
    tokio::join!(async {
        use tokio::sync::mpsc::unbounded_channel as queue;
        let (_orders, mut waiting) = queue::<String>();
        waiting.recv().await;
    });
}

fn elsewhere() {
    let (orders, _waiting) = tokio::sync::mpsc::unbounded_channel();
    _ = orders.send(1);
}

fn main() {
    elsewhere();
    _ = (mistake(), by_alias(), inside_of_macro());
}
