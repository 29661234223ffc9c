use seaworthy::prelude::*;

#[cloud_service]
async fn main() -> String {
    String::new()
}
