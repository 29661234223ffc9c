use seaworthy::{axum::body::Bytes, prelude::*};
use tokio::fs as disk;

/// Stands for the crate with its feature `fs`.
mod tokio {
    pub(crate) use ::tokio::join;

    pub(crate) mod fs {
        pub(crate) struct OpenOptions;

        pub(crate) async fn write(_path: impl AsRef<str>, _bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
            Ok(())
        }

        pub(crate) async fn remove_file(_path: impl AsRef<str>) -> std::io::Result<()> {
            Ok(())
        }

        impl OpenOptions {
            pub(crate) fn new() -> Self {
                Self
            }

            pub(crate) fn append(self, _append: bool) -> Self {
                self
            }

            pub(crate) async fn open(self, _path: &str) -> std::io::Result<()> {
                Ok(())
            }
        }
    }
}

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
    _ = tokio::join!(disk::OpenOptions::new().append(true).open("journal"));
}

/// Also of a call that blocks, which is its first mistake.
#[handler]
async fn blocking() {
    _ = std::fs::write("state", "1");
}

fn main() {
    _ = (mistake, by_alias, inside_of_macro, blocking);
}
