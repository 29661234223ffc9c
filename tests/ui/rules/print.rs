use std::eprintln as complain;

use seaworthy::prelude::*;

#[handler]
async fn mistake() -> StatusCode {
    println!("an order came in");
    StatusCode::ACCEPTED
}

#[ready]
async fn by_alias() {
    complain!("checked");
}

#[worker]
async fn inside_of_macro() {
    tokio::select! {
        () = async {
            _ = dbg!(1 + 1);
        } => {}
    }
}

fn main() {
    _ = (mistake(), by_alias(), inside_of_macro());
}
