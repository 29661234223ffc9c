#![deny(warnings)]

use std::sync::{Arc, Mutex};

use seaworthy::prelude::*;
use tokio::sync::RwLock;

type Stock = Arc<RwLock<Vec<u32>>>;
type Counts = Arc<Mutex<Vec<u32>>>;

async fn send_mail(_left: usize) {}

async fn fetch() -> Vec<u32> {
    Vec::new()
}

#[handler(allow(SW017, reason = "one mail at a time"))]
async fn allowed(State(stock): State<Stock>) {
    let stock = stock.write().await;
    send_mail(stock.len()).await;
}

/// The lock's own `.await`, a guard that has ended, one that was dropped, what was copied, and what all wait for.
#[handler]
async fn innocent(State(stock): State<Stock>, State(counts): State<Counts>) {
    {
        let mut stock = stock.write().await;
        stock.pop();
    }
    send_mail(0).await;
    let mut writer = stock.write().await;
    writer.pop();
    drop(writer);
    send_mail(1).await;
    let first = counts.lock().unwrap()[0];
    let all = counts.lock().unwrap().clone();
    send_mail(all.len() + first as usize).await;
    if counts.lock().unwrap().is_empty() {
        send_mail(2).await;
    }
    let mut cached = stock.write().await;
    if cached.is_empty() {
        *cached = fetch().await;
    }
    drop(cached);
    let mut stock = stock.write().await;
    let later = async move { send_mail(3).await };
    stock.push(1);
    drop((stock, later));
}

fn main() {
    _ = (allowed, innocent);
}
