use seaworthy::{http_client::HttpClient as Http, prelude::*};
use tokio::net::TcpStream as Peer;

#[handler]
async fn mistake(State(http): State<Http>) -> StatusCode {
    let price = http.get("http://prices.shop.svc.cluster.local/price").send().await;
    price.map_or(StatusCode::BAD_GATEWAY, |price| price.status())
}

#[ready]
async fn by_alias() -> bool {
    Peer::connect("10.0.0.7:6379").await.is_ok()
}

#[worker]
async fn inside_of_macro() {
    tokio::select! {
        _ = Peer::connect("10.0.0.8:5672") => {}
    }
}

/// The password is not repeated.
#[handler]
async fn with_password() -> String {
    format!("postgres://app:hunter2@store/orders?{}", "sslmode=require")
}

#[cloud_service]
async fn main() -> Router {
    let store = "redis://cache:6379";
    _ = (mistake, by_alias, inside_of_macro, with_password, store);
    Router::new()
}
