use seaworthy::{axum::body::Bytes, prelude::*};
use tokio::fs as disk;

#[handler]
async fn mistake(Path(name): Path<String>, body: Bytes) -> Result<StatusCode> {
    tokio::fs::write(format!("uploads/{name}"), body).await.map_err(|error| Error::failed(error.to_string()))?;
    Ok(StatusCode::CREATED)
}

#[handler]
async fn by_alias(Path(name): Path<String>) {
    _ = disk::remove_file(name).await;
}

#[worker]
async fn inside_of_macro() {
    _ = tokio::join!(async { disk::OpenOptions::new().append(true).open("journal").await });
}

/// Also of a call that blocks, which is its first mistake.
#[handler]
async fn blocking() {
    _ = std::fs::write("state", "1");
}

fn main() {
    _ = (mistake, by_alias, inside_of_macro, blocking);
}
