seaworthy::audit!();

use std::env as surroundings;

use seaworthy::prelude::*;

#[handler]
async fn mistake() -> String {
    std::env::var("GREETING").unwrap_or_default()
}

#[cloud_service]
async fn of_the_runtime() -> Router {
    let address = surroundings::var("HTTP_ADDR");
    let password = surroundings::var_os("DATABASE_PASSWORD");
    _ = (address, password);
    Router::new()
}

#[worker]
async fn inside_of_macro() {
    tokio::select! {
        () = async {
            use std::env::vars as all;
            _ = all().count();
        } => {}
    }
}

fn elsewhere(names: &[&str]) -> Vec<String> {
    names.iter().flat_map(std::env::var).collect()
}

fn main() {
    elsewhere(&[]);
    _ = (mistake(), of_the_runtime(), inside_of_macro());
}
