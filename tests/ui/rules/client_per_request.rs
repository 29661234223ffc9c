use seaworthy::{http_client::HttpClient, prelude::*, reqwest, reqwest::Client as Http};

#[handler]
async fn mistake() -> StatusCode {
    let client = reqwest::Client::new();
    client.get("/").send().await.map_or(StatusCode::BAD_GATEWAY, |answer| answer.status())
}

#[handler]
async fn by_alias() {
    let client = Http::builder().build();
    drop(client);
}

#[ready]
async fn inside_of_macro() -> bool {
    tokio::select! {
        answer = reqwest::get("/") => answer.is_ok(),
    }
}

#[handler]
async fn ours() {
    drop(HttpClient::new());
}

fn main() {
    _ = (mistake, by_alias, inside_of_macro, ours);
}
