seaworthy::audit!();

use std::process as this;

use seaworthy::prelude::*;

async fn save_order() -> bool {
    false
}

#[handler]
async fn mistake() -> StatusCode {
    if !save_order().await {
        std::process::exit(1);
    }
    StatusCode::CREATED
}

#[health]
fn by_alias() -> bool {
    Some(true).unwrap_or_else(|| this::abort())
}

#[worker]
async fn inside_of_macro() {
    tokio::select! {
        saved = save_order() => {
            if !saved {
                use std::process::exit as quit;
                quit(1)
            }
        }
    }
}

fn elsewhere() {
    std::panic::set_hook(Box::new(|_| this::exit(101)));
}

fn main() {
    elsewhere();
    _ = (mistake(), by_alias(), inside_of_macro());
}
