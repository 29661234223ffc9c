use seaworthy::prelude::*;
use std::sync::Arc;
use tokio::sync::Mutex as Gate;

type Stock = Arc<Gate<Vec<u32>>>;

async fn send_mail(_left: usize) {}

#[handler]
async fn mistake(State(stock): State<Stock>) -> StatusCode {
    let mut stock = stock.lock().await;
    stock.pop();
    send_mail(stock.len()).await;
    StatusCode::ACCEPTED
}

#[handler]
async fn by_alias(State(stock): State<Stock>) {
    let stock = Gate::lock(&stock).await;
    send_mail(stock.len()).await;
}

#[ready]
async fn inside_of_macro(State(stock): State<Stock>) -> bool {
    tokio::select! {
        stock = async {
            let stock = stock.lock().await;
            tokio::join!(send_mail(stock.len()));
            stock.len()
        } => stock > 0,
    }
}

#[handler]
async fn without_a_name(State(stock): State<Stock>) {
    if let Some(left) = stock.lock().await.first() {
        send_mail(*left as usize).await;
    }
    send_mail(stock.lock().await.len()).await;
}

fn main() {
    _ = (mistake, by_alias, inside_of_macro, without_a_name);
}
