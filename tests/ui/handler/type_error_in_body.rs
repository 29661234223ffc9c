use seaworthy::prelude::*;

#[handler]
async fn hello(Path(name): Path<String>) -> Result<String, StatusCode> {
    Ok(name.len())
}

fn main() {}
