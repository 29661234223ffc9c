seaworthy::audit!();

use seaworthy::prelude::*;
use tokio::task as tasks;

async fn send_mail() {}

#[handler]
async fn mistake() -> StatusCode {
    tokio::spawn(send_mail());
    StatusCode::ACCEPTED
}

#[handler]
async fn by_alias() -> StatusCode {
    let _task = tasks::spawn(send_mail());
    StatusCode::ACCEPTED
}

#[worker]
async fn inside_of_macro() {
    tokio::select! {
        () = send_mail() => {
            use tokio::spawn as start;
            start(send_mail());
        }
    }
}

#[health]
async fn by_drop() {
    drop(tokio::spawn(send_mail()));
}

fn elsewhere() {
    if true {
        _ = tokio::spawn(send_mail());
    }
}

fn main() {
    elsewhere();
    _ = (mistake(), by_alias(), inside_of_macro(), by_drop());
}
