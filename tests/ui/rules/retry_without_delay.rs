use seaworthy::prelude::*;

async fn reserve() -> Result<u32, &'static str> {
    Err("no connection")
}

use reserve as ask;

#[handler]
async fn mistake() -> StatusCode {
    loop {
        match reserve().await {
            Ok(_) => return StatusCode::CREATED,
            Err(_) => continue,
        }
    }
}

#[handler]
async fn by_alias() {
    while ask().await.is_err() {}
}

#[worker]
async fn inside_of_macro(shutdown: Shutdown) {
    tokio::select! {
        () = shutdown => {}
        () = async {
            loop {
                if let Err(error) = reserve().await {
                    drop(error);
                } else {
                    break;
                }
            }
        } => {}
    }
}

#[ready]
async fn until_it_works() -> bool {
    loop {
        if let Ok(reserved) = reserve().await {
            return reserved > 0;
        }
    }
}

fn main() {
    _ = (mistake, by_alias, inside_of_macro, until_it_works);
}
