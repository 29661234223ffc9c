use seaworthy::prelude::*;

#[handler]
async fn order() -> StatusCode {
    tokio::spawn(send_mail());
    StatusCode::ACCEPTED
}

async fn send_mail() {}

fn main() {
    _ = order();
}
