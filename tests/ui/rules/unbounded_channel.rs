seaworthy::audit!();

use std::sync::mpsc as channels;

use seaworthy::prelude::*;

#[worker]
async fn mistake() {
    let (_orders, mut waiting) = tokio::sync::mpsc::unbounded_channel::<String>();
    while let Some(order) = waiting.recv().await {
        drop(order);
    }
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
        while waiting.recv().await.is_some() {}
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
